from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from cardwatch_visualizer.archive.time_spans import TimeSpan
from cardwatch_visualizer.views.analytics import OTHERS, alert_counts, bank_rates
from cardwatch_visualizer.views.places import amounts_by_place

_UNTIL_MS = 1_760_000_400_000
"""2025-10-09 09:00 UTC."""
_MINUTE = TimeSpan(until_ms=_UNTIL_MS, window="1m")


def counted(kind: str, name: str = "", at_ms: int | None = None, **of: Any) -> dict[str, Any]:
    given = {"kind": kind, "name": name, "at_ms": at_ms, "users": None, "alerts": 0, "on_trial": 0}
    return given | of


def total(alerts: int = 0, on_trial: int = 0, **of: Any) -> dict[str, Any]:
    return counted("total", alerts=alerts, on_trial=on_trial, **({"users": 0} | of))


def test_alerts_are_told_by_name_and_time() -> None:
    rows = [
        total(3, 1, users=2, at_ms=_UNTIL_MS - 9_000),
        counted("bank", "A", alerts=3, on_trial=1),
        counted("detector", "amount_spike", alerts=2),
        counted("time", at_ms=_UNTIL_MS - 9_000, alerts=3, on_trial=1),
        counted("quarter", at_ms=_UNTIL_MS - 900_000, alerts=3, on_trial=1),
    ]
    counts = alert_counts(rows, _MINUTE, UTC, most=1_000)
    assert (counts.alerts, counts.on_trial, counts.users) == (3, 1, 2)
    assert counts.counted_from_ms is None, "all are counted"
    assert list(counts.by_name["bank"].lines()) == [("A", "3", "1")]
    assert counts.by_name["detector"].alerts == (2,)
    assert not counts.by_name["country"]
    assert len(counts.by_time.names) == 60, "every second, those without alerts too"
    assert sum(counts.by_time.alerts) == 3
    assert counts.by_time.alerts[51] == 3
    assert list(counts.by_time.lines(times=True))[51] == ("2025-10-09 08:59:51", "3", "1")


def test_hours_are_those_of_the_viewer_in_zones_of_odd_quarters_too() -> None:
    rows = [total(2), counted("quarter", at_ms=_UNTIL_MS, alerts=2)]
    assert alert_counts(rows, _MINUTE, UTC, 9).by_hour.alerts[9] == 2
    nepal = ZoneInfo("Asia/Kathmandu")  # 5:45 hours ahead
    assert alert_counts(rows, _MINUTE, nepal, 9).by_hour.alerts[14] == 2
    assert alert_counts(rows, _MINUTE, UTC, 9).by_hour.names[9] == "09:00"


def test_where_some_are_too_many_it_is_said_from_when_they_are_counted() -> None:
    rows = [total(6, 4, at_ms=_UNTIL_MS - 1_000)]
    assert alert_counts(rows, _MINUTE, UTC, most=10).counted_from_ms == _UNTIL_MS - 1_000
    assert alert_counts(rows, _MINUTE, UTC, most=11).counted_from_ms is None


def test_no_alert_is_no_bar() -> None:
    counts = alert_counts([total()], _MINUTE, UTC, 9)
    assert not counts.by_time
    assert not counts.by_hour


def test_hostile_names_are_printable_and_card_numbers_go() -> None:
    rows = [total(2), counted("category", "4111111111111111\u202e", alerts=2)]
    (name,) = alert_counts(rows, _MINUTE, UTC, 9).by_name["category"].names
    assert "4111" not in name
    assert name.isprintable()


def paid(name: str, before_s: int, transactions: int) -> dict[str, Any]:
    at_ms = _UNTIL_MS - before_s * 1000
    return {"name": name, "at_ms": at_ms, "transactions": transactions}


def test_rates_are_transactions_by_seconds_with_gaps_where_nothing_was_counted() -> None:
    rows = [paid("A", 60, 50), paid("B", 60, 10), paid("A", 10, 20)]
    rates = bank_rates(rows, _MINUTE, UTC, most=6)
    assert rates.banks == (
        ("A", (5.0, None, None, None, None, 2.0)),
        ("B", (1.0, None, None, None, None, 0.0)),
    )
    assert rates.transactions == 80
    assert rates.at[0] == "2025-10-09T08:59:00.000"
    assert list(rates.lines()) == [("A", "3.50", "5.00"), ("B", "0.50", "1.00")]


def test_small_banks_share_a_line() -> None:
    rows = [paid("A", 10, 30), paid("B", 10, 20), paid("C", 10, 10), paid("D", 10, 5)]
    rates = bank_rates(rows, _MINUTE, UTC, most=2)
    assert [name for name, _ in rates.banks] == ["A", "B", OTHERS]
    assert rates.banks[2][1][-1] == 1.5


def place(city: str, currency: str = "EUR", **of: Any) -> dict[str, Any]:
    given = {
        "country": "DE",
        "city": city,
        "currency": currency,
        "transactions": 4,
        "total_minor": 10_010,
        "latitude": 52.5,
        "longitude": 13.4,
        "of_currency": 4,
        "read": 9,
    }
    return given | of


def test_amounts_are_of_one_currency_with_alerts_beside() -> None:
    rows = [place("Berlin"), place("Tokyo", "JPY", country="JP", total_minor=5_000)]
    raised = [{"country": "DE", "city": "Berlin", "alerts": 2}]
    found = amounts_by_place(rows, raised, currency="", one_in=1, most=10)
    assert found.currencies == ("EUR", "JPY")
    assert list(found.lines()) == [("Berlin, DE", "4", "100.10 EUR", "25.02 EUR", "2")]
    assert found.caveat() == ""
    yen = amounts_by_place(rows, raised, currency="JPY", one_in=1, most=10)
    assert list(yen.lines()) == [("Tokyo, JP", "4", "5,000 JPY", "1,250 JPY", "0")]
    assert amounts_by_place(rows, [], currency="XXX", one_in=1, most=10).currency == "EUR"


def test_a_sample_stands_for_all_and_says_so() -> None:
    found = amounts_by_place([place("Berlin")], [], currency="EUR", one_in=100, most=10)
    assert list(found.lines()) == [("Berlin, DE", "400", "10,010.00 EUR", "25.02 EUR", "0")]
    assert found.caveat() == "Estimated from one transaction in 100."


def test_what_was_not_read_is_said() -> None:
    found = amounts_by_place([place("Berlin")], [], currency="EUR", one_in=1, most=9)
    assert "shorter window" in found.caveat()


def test_nothing_is_nothing() -> None:
    found = amounts_by_place([], [], currency="EUR", one_in=1, most=9)
    assert (found.currency, found.places, found.is_cut) == ("", (), False)
