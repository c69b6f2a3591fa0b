from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from tests.unit.transactions import NOON_MS
from tests.unit.visualizer.samples import a_row

from cardwatch_visualizer.views.review import detail, format_risk, table_row, trace_url
from cardwatch_visualizer.views.times import format_time, iso_time, plot_time, zone_of

_FINDING = {
    "detector": "amount_spike",
    "mode": "shadow",
    "observed": 41_200.0,
    "threshold": 22_780.0,
    "baseline": 2_278.0,
    "unit": "minor",
    "reason": "412.00 EUR is 18.1 times the card's average",
    "counterfactual": "no finding below 227.80 EUR",
    "model": None,
}
_PAYMENT = {
    "transaction_id": "txn-1",
    "event_time": NOON_MS,
    "amount_minor": 41_200,
    "currency": "EUR",
    "merchant_id": "phones-4",
    "city": "Berlin",
    "has_alert": True,
}


def test_a_line_has_its_amount_in_its_currency_and_reasons_in_one() -> None:
    line = table_row(a_row(amount_minor=5_000, currency="JPY"))
    assert line["amount"] == "5,000 JPY"
    assert line["reason"] == "too much; over the limit"
    assert line["label"] == ""


def test_hostile_names_stay_text_and_card_numbers_go() -> None:
    line = table_row(
        a_row(merchant_id="<img src=x onerror=alert(1)>", city="4111111111111111\u202e")
    )
    assert line["merchant_id"] == "<img src=x onerror=alert(1)>"
    assert "4111" not in line["city"]
    assert line["city"].isprintable()


def test_a_models_finding_is_told_with_its_version_and_its_risk() -> None:
    reasons = "; ".join(f"{number}: {'x' * 200}" for number in range(3))
    of_model = {
        **_FINDING,
        **{"detector": "model", "unit": "risk", "observed": 0.9342, "threshold": 0.6},
        **{"baseline": None, "reason": reasons, "model": "ab12cd3" + 57 * "0"},
    }
    shown = detail(a_row(risk=0.99996), [of_model], [], [], zone=UTC, jaeger_url=None)
    (finding,) = shown.findings
    assert (finding.observed, finding.threshold, finding.baseline) == ("0.934", "0.600", "")
    assert finding.version == "ab12cd3"
    assert finding.reason == reasons, "all three"
    assert dict(shown.facts)["risk"] == "0.999", "not certain"


def test_without_a_model_there_is_no_risk() -> None:
    shown = detail(a_row(), [_FINDING], [], [], zone=UTC, jaeger_url=None)
    assert "risk" not in dict(shown.facts)
    assert shown.findings[0].version == ""
    assert table_row(a_row())["risk"] is None
    assert format_risk(1.0) == "1.000"


def test_a_detail_says_observed_threshold_and_usual_in_words() -> None:
    shown = detail(a_row(), [_FINDING], [], [_PAYMENT], zone=UTC, jaeger_url="http://jaeger:16686/")
    (finding,) = shown.findings
    assert finding.observed == "412.00 EUR"
    assert finding.threshold == "227.80 EUR"
    assert finding.baseline == "22.78 EUR"
    assert finding.on_trial
    assert finding.ratio == pytest.approx(1.81, abs=0.01)
    assert shown.baseline_minor == 2_278.0
    assert dict(shown.facts)["judged by"] == "strict, generation 3"
    assert dict(shown.facts)["how"] == "chip without PIN"
    assert shown.trace_url == "http://jaeger:16686/trace/0af7651916cd43dd8448eb211c80319c"


def test_a_payment_sent_twice_is_drawn_once() -> None:
    shown = detail(a_row(), [], [], [_PAYMENT, _PAYMENT], zone=UTC, jaeger_url=None)
    assert len(shown.payments) == 1
    assert shown.trace_url is None


def test_what_was_answered_is_said_with_who_and_when() -> None:
    given = {"label": "genuine", "given_by": "ana", "given_at": NOON_MS, "reason": "called"}
    shown = detail(a_row(), [], [given], [], zone=UTC, jaeger_url=None)
    assert shown.answers[0].label == "genuine"
    assert shown.answers[0].at == "2025-10-09 09:00:00 UTC"


def test_without_a_trace_or_a_jaeger_there_is_no_link() -> None:
    assert trace_url(None, "0af7") is None
    assert trace_url("http://jaeger", None) is None
    assert trace_url("http://jaeger", "a/../b?c") == "http://jaeger/trace/a%2F..%2Fb%3Fc"


def test_times_are_in_the_viewers_zone() -> None:
    berlin = zone_of("Europe/Berlin")
    assert berlin == ZoneInfo("Europe/Berlin")
    assert format_time(NOON_MS, berlin) == "2025-10-09 11:00:00 CEST"
    assert plot_time(NOON_MS, berlin) == "2025-10-09T11:00:00.000"
    assert iso_time(NOON_MS) == "2025-10-09T09:00:00.000Z"


@pytest.mark.parametrize("name", [None, "", "Nowhere/At_All", "../../etc/passwd", 7, "x" * 100])
def test_a_zone_that_is_none_is_utc(name: object) -> None:
    assert zone_of(name) is UTC
