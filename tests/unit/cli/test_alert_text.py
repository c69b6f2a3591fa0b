import pytest
from tests.unit.cli.samples import a_finding, an_alert

from cardwatch_contracts.wording import format_measure, printable
from cardwatch_local.alert_text import alert_line, detectors_of, finding_lines, format_time


def test_an_alert_is_one_line_with_all_its_reasons() -> None:
    alert = an_alert(7, a_finding(), a_finding("very_high_value", reason="too much", mode="shadow"))
    assert alert_line(alert) == (
        "2026-11-21 11:47:15  bank A  user 1042     1,234.50 EUR  Berlin  "
        "amount_spike, very_high_value (shadow): "
        "1,234.50 EUR is 15.4 times the card's average of 80.00 EUR; too much  [A-run-7]"
    )


@pytest.mark.parametrize(
    ("value", "unit", "currency", "words"),
    [
        (123_450.4, "minor", "EUR", "1,234.50 EUR"),
        (5_000.0, "minor", "JPY", "5,000 JPY"),
        (2.5, "s", "EUR", "2.5 s"),
        (95.0, "d", "EUR", "95 days"),
        (4210.7, "km/h", "EUR", "4,211 km/h"),
        (5.0, "transactions", "EUR", "5 transactions"),
    ],
)
def test_a_measure_is_written_with_its_unit(
    value: float, unit: str, currency: str, words: str
) -> None:
    assert format_measure(value, unit, currency) == words


def test_a_finding_says_what_was_seen_expected_and_usual() -> None:
    assert dict(finding_lines(a_finding(), "EUR")) == {
        "reason": "1,234.50 EUR is 15.4 times the card's average of 80.00 EUR",
        "observed": "1,234.50 EUR",
        "threshold": "800.00 EUR",
        "baseline": "80.00 EUR",
        "without": "no finding below 800.00 EUR",
    }
    on_trial = dict(finding_lines(a_finding(baseline=None, mode="shadow"), "EUR"))
    assert "baseline" not in on_trial
    assert on_trial["mode"].startswith("shadow")


def test_control_characters_and_reordering_marks_do_not_reach_a_terminal() -> None:
    assert printable("Café \x1b[2J\r\n\u202e\0") == "Café ?[2J????"
    line = alert_line(an_alert(1, city="\x1b]0;title\x07", bank_id="A\nB", user_id="\u202e7"))
    assert line.isprintable()


def test_times_are_utc() -> None:
    assert format_time(0) == "1970-01-01 00:00:00"


def test_detectors_on_trial_are_marked() -> None:
    assert detectors_of(an_alert(1, a_finding(mode="shadow"))) == "amount_spike (shadow)"
