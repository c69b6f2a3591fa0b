"""What happens reaches a browser: from Kafka by the collector, Valkey and a worker."""

import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.gateway.alerts import archive_transaction, new_alert, send_alerts
from tests.integration.visualizer.running import (
    Event,
    RunningVisualizer,
    events,
    eventually,
    running_visualizer,
)
from valkey import Valkey

from cardwatch_contracts.alert import Alert
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.settings import StackSettings
from cardwatch_local.valkey import ValkeyServer

pytestmark = pytest.mark.timeout(900)


def has(event: Event, alert: Alert) -> bool:
    return any(row["alert_id"] == alert.alert_id for row in event.body.get("alerts", []))


def test_a_page_begins_with_all_there_is_and_gets_what_comes(
    visualizer: RunningVisualizer, stack_without_job: Endpoints
) -> None:
    stream = events(visualizer.client)
    first = next(event for event in stream if event.kind)
    assert first.kind == "snapshot"
    alert = new_alert(city="Łódź", amount_minor=41_200, currency="JPY")

    send_alerts(stack_without_job.bootstrap_servers, alert)

    tick = next(event for event in stream if has(event, alert))
    row = next(row for row in tick.body["alerts"] if row["alert_id"] == alert.alert_id)
    assert tick.kind == "tick"
    assert (row["city"], row["amount"]) == ("Łódź", "41,200 JPY")
    later = events(visualizer.client)
    assert next(event for event in later if event.kind).kind == "snapshot"
    assert next(event for event in events(visualizer.client) if has(event, alert))


def test_who_comes_back_goes_on_where_they_were(
    visualizer: RunningVisualizer, stack_without_job: Endpoints
) -> None:
    alert = new_alert()
    stream = events(visualizer.client)
    place = next(event for event in stream if event.kind == "tick")
    send_alerts(stack_without_job.bootstrap_servers, alert)
    next(event for event in stream if has(event, alert))

    back = [event for event, _ in zip(events(visualizer.client, place.id), range(12), strict=False)]

    assert not any(event.kind == "snapshot" for event in back)
    assert sum(has(event, alert) for event in back) == 1
    ids = [int(event.id.partition("-")[0]) for event in back if event.id]
    assert ids == sorted(set(ids)), "each once, in order"


def test_a_place_that_is_gone_gets_all_there_is(visualizer: RunningVisualizer) -> None:
    for place in ("1-0", "nonsense", "9" * 400):
        first = next(event for event in events(visualizer.client, place) if event.kind)
        assert first.kind == "snapshot"


def test_all_workers_tell_the_same(visualizer: RunningVisualizer) -> None:
    ticks = []
    for _ in range(6):
        with httpx.Client(base_url=visualizer.url, timeout=30) as client:
            found = next(event for event in events(client) if event.kind == "snapshot")
            ticks.append(int((found.id or "0-0").partition("-")[0]))
    assert ticks == sorted(ticks)
    assert ticks[-1] - ticks[0] < 30_000


def test_a_collector_that_is_killed_comes_back_and_nothing_is_missing(
    visualizer: RunningVisualizer, stack_without_job: Endpoints
) -> None:
    alert = new_alert()
    collector = visualizer.part("collector")
    collector.send_signal(signal.SIGKILL)
    send_alerts(stack_without_job.bootstrap_servers, alert)
    eventually(lambda: not collector.is_running(), "it has gone")
    eventually(visualizer.collects, "another collects")

    def is_known() -> bool:
        # Until a tick: a worker has room for few, and notices who has gone when it tells them more.
        with closing(events(visualizer.client)) as stream:
            snapshot = next(event for event in stream if event.kind == "snapshot")
            return has(snapshot, alert) or has(next(stream), alert)

    eventually(is_known, "the alert that came meanwhile is known")


def test_an_impossible_journey_is_drawn_from_where_the_card_was(
    visualizer: RunningVisualizer, stack_without_job: Endpoints, archive_url: str
) -> None:
    archive_transaction(archive_url, "before-the-journey", age_s=3_600, bank_id="A")
    stream = events(visualizer.client)
    next(event for event in stream if event.kind == "snapshot")
    alert = new_alert("impossible_travel", card_id="c", event_time=int(time.time() * 1000) + 60_000)

    send_alerts(stack_without_job.bootstrap_servers, alert)

    tick = next(event for event in stream if event.body.get("arcs"))
    assert tick.body["arcs"] == [[0.0, 0.0, 13.405, 52.52]]


def test_without_valkey_a_page_is_told_so_and_goes_on_afterwards(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    settings = StackSettings(home=tmp_path / "home", name="visualizer")
    valkey = ValkeyServer(settings)
    valkey.start()
    valkey.wait_ready()
    there = Endpoints(bootstrap_servers=stack_without_job.bootstrap_servers, valkey_url=valkey.url)
    try:
        with running_visualizer(there, tmp_path) as visualizer:
            stream = events(visualizer.client)
            next(event for event in stream if event.kind == "tick")
            valkey.stop()
            told = next(event for event in stream if event.kind == "status" and event.body["why"])
            assert "Valkey does not answer" in told.body["why"]
            assert visualizer.client.get("/readyz").status_code == 503
            valkey.start()
            valkey.wait_ready()
            again = next(event for event in stream if event.kind == "snapshot")
            assert again.body["at"] > 0
    finally:
        valkey.stop()


def test_more_pages_than_there_is_room_for_are_told_to_come_back(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    few = ["--no-login", "--workers", "1", "--threads", "3", "--max-streams", "1"]
    with running_visualizer(stack_without_job, tmp_path, few) as visualizer:
        stream = events(visualizer.client)
        next(event for event in stream if event.kind)
        with httpx.Client(base_url=visualizer.url, timeout=30) as other:
            refused = other.get("/live/events")
            assert refused.status_code == 503
            assert refused.headers["Retry-After"] == "2"
            assert other.get("/healthz").status_code == 200, "pages are answered all the same"


def test_a_kafka_that_is_away_is_named(stack_without_job: Endpoints, tmp_path: Path) -> None:
    settings = StackSettings(home=tmp_path / "home", name="visualizer")
    valkey = ValkeyServer(settings)
    valkey.start()
    valkey.wait_ready()
    nowhere = Endpoints(bootstrap_servers="127.0.0.1:1", valkey_url=valkey.url)
    try:
        with running_visualizer(nowhere, tmp_path, collecting=False) as visualizer:

            def is_told() -> bool:
                found: Any = valkey_ticks(valkey.url)
                return any(b"cannot be read" in fields[b"tick"] for _, fields in found)

            eventually(is_told, "the tick names what is away")
            assert visualizer.client.get("/readyz").json()["ready"], "pages are shown all the same"
    finally:
        valkey.stop()


def valkey_ticks(url: str) -> Any:
    with Valkey.from_url(url) as client:
        return client.xrange("visualizer:ticks")
