"""What the archive adds up to, on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any, Final

import psycopg
import pytest
from tests.integration.gateway.alerts import archive_alert, new_alert
from tests.integration.visualizer.rows import add_transactions, add_window, now_ms
from tests.integration.visualizer.running import RunningVisualizer
from tests.unit.transactions import make_transaction

from cardwatch_contracts.database_settings import Database
from cardwatch_visualizer.archive import analytics
from cardwatch_visualizer.archive.connection import Archive, ArchiveAwayError
from cardwatch_visualizer.archive.time_spans import WINDOWS, TimeSpan, end_of
from cardwatch_visualizer.views.analytics import alert_counts, bank_rates
from cardwatch_visualizer.views.places import amounts_by_place

_BANK: Final = "analytics"


@pytest.fixture(scope="module")
def until_ms(archive_url: str) -> int:
    """Return the end of a span with alerts and transactions of a bank of our own."""
    until_ms = end_of(now_ms())
    paid_ms = until_ms - 5_000
    here: dict[str, Any] = {"bank_id": _BANK, "event_time": paid_ms}
    for alert in (
        new_alert(**here, user_id="a1"),
        new_alert(**here, user_id="a1", country="FR", city="Paris", merchant_category="travel"),
        new_alert("pin_avoidance", **here, user_id="a2"),
        new_alert("pin_avoidance", "shadow", **here, user_id="a3"),
        new_alert(bank_id=_BANK, user_id="a4", event_time=until_ms - 30 * 60_000),
        new_alert(bank_id=_BANK, user_id="late", event_time=until_ms),
    ):
        archive_alert(archive_url, alert)
    add_transactions(
        archive_url,
        make_transaction(transaction_id="an-1", amount_minor=1_000, **here),
        make_transaction(transaction_id="an-2", amount_minor=3_000, **here),
        make_transaction(
            transaction_id="an-3", amount_minor=5_000, currency="JPY", city="Tokyo", country="JP",
            **here,
        ),
    )  # fmt: skip
    add_window(archive_url, until_ms - 10_000, "bank", _BANK, 30)
    add_window(archive_url, until_ms - 10_000, "total", "", 30)
    add_window(archive_url, until_ms - 20 * 60_000, "bank", _BANK, 7)
    return until_ms


@pytest.fixture
def archive(archive_url: str) -> Iterator[Archive]:
    archive = Archive(Database(url=archive_url))
    archive.open()
    yield archive
    archive.close()


def test_alerts_are_counted_by_everything(archive: Archive, until_ms: int) -> None:
    span = TimeSpan(until_ms=until_ms, window="10s", banks=(_BANK,))
    counts = alert_counts(analytics.alert_counts(archive, span), span, UTC, 1_000)

    assert (counts.alerts, counts.on_trial, counts.users) == (3, 1, 3)
    assert list(counts.by_name["bank"].lines()) == [(_BANK, "3", "1")]
    assert list(counts.by_name["country"].lines()) == [("DE", "2", "1"), ("FR", "1", "0")]
    assert list(counts.by_name["category"].lines()) == [("grocery", "2", "1"), ("travel", "1", "0")]
    detectors = set(counts.by_name["detector"].lines())
    assert detectors == {("amount_spike", "2", "0"), ("pin_avoidance", "1", "1")}
    assert counts.by_time.alerts == (0, 0, 0, 0, 0, 3, 0, 0, 0, 0)
    assert sum(counts.by_hour.alerts) == 3


def test_a_longer_window_has_what_is_older(archive: Archive, until_ms: int) -> None:
    span = TimeSpan(until_ms=until_ms, window="1h", banks=(_BANK,))
    counts = alert_counts(analytics.alert_counts(archive, span), span, UTC, 1_000)
    assert counts.alerts == 4
    assert sum(counts.by_time.alerts) == 4


@pytest.mark.parametrize(
    ("wanted", "alerts", "on_trial"),
    [
        ({"countries": ("FR",)}, 1, 0),
        ({"categories": ("grocery",)}, 2, 1),
        ({"detectors": ("pin_avoidance",)}, 1, 1),
        ({"mode": "shadow"}, 0, 1),
        ({"banks": ("no such bank",)}, 0, 0),
    ],
)
def test_a_filter_counts_what_it_says(
    archive: Archive, until_ms: int, wanted: dict[str, object], alerts: int, on_trial: int
) -> None:
    given = {"until_ms": until_ms, "window": "10s", "banks": (_BANK,), **wanted}
    span = TimeSpan(**given)  # type: ignore[arg-type] # by their names
    counts = alert_counts(analytics.alert_counts(archive, span), span, UTC, 1_000)
    assert (counts.alerts, counts.on_trial) == (alerts, on_trial)


@pytest.mark.parametrize("window", list(WINDOWS))
def test_every_window_is_answered(archive: Archive, until_ms: int, window: str) -> None:
    span = TimeSpan(until_ms=until_ms, window=window)
    alert_counts(analytics.alert_counts(archive, span), span, UTC, 1_000)
    bank_rates(analytics.bank_counts(archive, span), span, UTC, 6)
    rows, one_in = analytics.places(archive, span)
    raised = analytics.alert_places(archive, span)
    amounts_by_place(rows, raised, currency="", one_in=one_in, most=9)


def test_rates_are_what_the_job_counted(archive: Archive, until_ms: int) -> None:
    span = TimeSpan(until_ms=until_ms, window="1m", banks=(_BANK,))
    rates = bank_rates(analytics.bank_counts(archive, span), span, UTC, 6)
    assert rates.banks == ((_BANK, (None, None, None, None, None, 3.0)),)

    span = TimeSpan(until_ms=until_ms, window="1h", banks=(_BANK,))
    assert bank_rates(analytics.bank_counts(archive, span), span, UTC, 6).transactions == 37


def test_amounts_are_added_up_by_place_and_never_across_currencies(
    archive: Archive, until_ms: int
) -> None:
    span = TimeSpan(until_ms=until_ms, window="10s", banks=(_BANK,))
    rows, one_in = analytics.places(archive, span)
    raised = analytics.alert_places(archive, span)
    euros = amounts_by_place(rows, raised, currency="EUR", one_in=one_in, most=1_000)
    assert one_in == 1
    assert list(euros.lines()) == [("Berlin, DE", "2", "40.00 EUR", "20.00 EUR", "2")]
    assert set(euros.currencies) == {"EUR", "JPY"}
    yen = amounts_by_place(rows, raised, currency="JPY", one_in=one_in, most=1_000)
    assert list(yen.lines()) == [("Tokyo, JP", "1", "5,000 JPY", "5,000 JPY", "0")]


def test_of_very_many_transactions_a_sample_is_read(archive: Archive, archive_url: str) -> None:
    until_ms = end_of(now_ms()) - 40 * 86_400_000  # where no other test looks
    add_window(archive_url, until_ms - 10_000, "total", "", 20_000_000)
    with psycopg.connect(archive_url) as connection:
        connection.execute(
            "INSERT INTO transactions SELECT m, m, 's' || n, 'u', 'c', 'sampled', 'visa', 100, "
            "'EUR', 'm', 'grocery', 'DE', 'Berlin', 52.5, 13.4, true, 'chip', null, null "
            "FROM generate_series(1, 60000) AS n, to_timestamp(%s / 1000.0) AS m",
            (until_ms - 5_000,),
        )
    span = TimeSpan(until_ms=until_ms, window="10s", banks=("sampled",))

    rows, one_in = analytics.places(archive, span)

    found = amounts_by_place(rows, [], currency="EUR", one_in=one_in, most=analytics.MOST_READ)
    assert one_in == 100
    assert 5_000 < found.places[0].transactions < 150_000, "about 60,000 are estimated"
    again = amounts_by_place(
        analytics.places(archive, span)[0], [], currency="EUR", one_in=one_in, most=9
    )
    assert again.places == found.places, "the same sample each time"


def test_a_reader_may_ask_all_of_it(archive_url: str, until_ms: int) -> None:
    with psycopg.connect(archive_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE analytics_reader LOGIN PASSWORD 'reads'")
        connection.execute("GRANT cardwatch_reader TO analytics_reader")
    head, _, tail = archive_url.partition("://")
    archive = Archive(Database(url=f"{head}://analytics_reader:reads@{tail.partition('@')[2]}"))
    archive.open()
    try:
        span = TimeSpan(until_ms=until_ms, window="10s", banks=(_BANK,))
        assert analytics.alert_counts(archive, span)
        assert analytics.bank_counts(archive, span)
        assert analytics.places(archive, span)[0]
    finally:
        archive.close()


def test_a_question_that_takes_too_long_is_given_up(archive_url: str, until_ms: int) -> None:
    archive = Archive(Database(url=archive_url), statement_ms=1)
    archive.open()
    try:
        with pytest.raises(ArchiveAwayError):
            for _ in range(50):
                analytics.alert_counts(archive, TimeSpan(until_ms=until_ms, window="30d"))
    finally:
        archive.close()


def test_the_page_is_answered_with_the_archives_figures(
    visualizer: RunningVisualizer, until_ms: int
) -> None:
    layout = visualizer.client.get(f"/analytics?window=10s&bank={_BANK}")
    assert layout.status_code == 200
    outputs = (
        *("analytics-rates.figure", "analytics-rates-table.children"),
        *("analytics-rate-stats.children", "analytics-paid.data"),
        *("analytics-by-bank-alone.children", "analytics-trouble-rates.children"),
        "analytics-trouble-rates.hidden",
    )
    body = {
        "output": f"..{'...'.join(outputs)}..",
        "outputs": [
            dict(zip(("id", "property"), each.split("."), strict=True)) for each in outputs
        ],
        "inputs": [
            _prop("analytics-filter", "data", {"bank": _BANK, "until": str(until_ms)}),
            _prop("analytics-again", "data", None),
            _prop("mantine", "forceColorScheme", "dark"),
            _prop("zone", "data", "Europe/Berlin"),
        ],
        "changedPropIds": ["analytics-filter.data"],
        "state": [],
    }
    answer = visualizer.client.post("/_dash-update-component", json=body)
    assert answer.status_code == 200
    answered = answer.json()["response"]
    assert answered["analytics-trouble-rates"] == {"children": "", "hidden": True}
    assert answered["analytics-paid"]["data"] == 37


def _prop(name: str, prop: str, value: object) -> dict[str, object]:
    return {"id": name, "property": prop, "value": value}
