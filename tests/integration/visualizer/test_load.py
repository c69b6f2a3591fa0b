"""A thousand alerts a second and ten who look on: nothing is missed, nothing grows."""

import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil
import pytest
from confluent_kafka import Producer
from tests.integration.gateway.alerts import new_alert
from tests.integration.visualizer.running import RunningVisualizer, eventually, running_visualizer

from cardwatch_contracts.codec import encode
from cardwatch_contracts.topics import ALERTS
from cardwatch_local.endpoints import Endpoints
from cardwatch_visualizer.live.shapes import Tick, decode_tick

pytestmark = pytest.mark.timeout(900)

_BROWSERS: Final = 10
_RATE: Final = 1_000
_SECONDS: Final = 15
_MOST_GROWTH_MB: Final = 80
_PREPARED: Final = 500


class Onlooker(threading.Thread):
    """Reads events as they come, as a browser does, and keeps their numbers."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.numbers: list[str] = []
        self.newest: Tick | None = None
        self.late_ms: list[float] = []
        self.ended = threading.Event()

    def run(self) -> None:
        """Read until it is ended."""
        self._connection.request("GET", "/live/events")
        answer = self._connection.getresponse()
        for line in iter(answer.readline, b""):
            if self.ended.is_set():
                break
            name, _, value = line.strip().partition(b": ")
            if name == b"id":
                self.numbers.append(value.decode())
            elif name == b"data" and value.startswith(b'{"at"'):
                self.newest = decode_tick(value)
                self.late_ms.append(time.time() * 1000 - self.newest.at)
        self._connection.close()


@pytest.fixture
def loaded(stack_without_job: Endpoints, tmp_path: Path) -> Iterator[RunningVisualizer]:
    with running_visualizer(stack_without_job, tmp_path) as running:
        yield running


def memory_mb(visualizer: RunningVisualizer) -> float:
    parent = psutil.Process(visualizer.process.pid)
    processes = [parent, *parent.children(recursive=True)]
    return sum(process.memory_info().rss for process in processes) / 1e6


def test_ten_browsers_miss_nothing_of_a_thousand_alerts_a_second(
    loaded: RunningVisualizer, stack_without_job: Endpoints
) -> None:
    onlookers = [Onlooker(loaded.url) for _ in range(_BROWSERS)]
    for onlooker in onlookers:
        onlooker.start()
    eventually(lambda: all(onlooker.newest for onlooker in onlookers), "all of them read")
    before = onlookers[0].newest
    assert before is not None
    before_mb = memory_mb(loaded)

    sent = send(stack_without_job)

    def all_counted() -> bool:
        newest = onlookers[0].newest
        return newest is not None and newest.totals.alerts >= before.totals.alerts + sent

    eventually(all_counted, "all alerts are counted")
    ends = onlookers[0].numbers[-1]
    eventually(lambda: all(ends in each.numbers for each in onlookers), "all have come so far")
    for onlooker in onlookers:
        onlooker.ended.set()
    longest = max((each.numbers for each in onlookers), key=len)
    for onlooker in onlookers:
        mine = onlooker.numbers[: onlooker.numbers.index(ends) + 1]
        first = longest.index(mine[0])
        assert mine == longest[first : longest.index(ends) + 1], "missed updates: 0"
    late_ms = sorted(late for each in onlookers for late in each.late_ms[1:])
    half_ms, worst_ms = late_ms[len(late_ms) // 2], late_ms[-1]
    grown_mb = memory_mb(loaded) - before_mb
    print(
        f"{sent:,} alerts in {_SECONDS} s, {_BROWSERS} onlookers: half of the ticks within "
        f"{half_ms:.0f} ms, all within {worst_ms:.0f} ms; {before_mb:.0f} MB, grown by "
        f"{grown_mb:.0f} MB"
    )
    assert half_ms < 500
    assert grown_mb < _MOST_GROWTH_MB


def send(endpoints: Endpoints) -> int:
    """Send alerts at the rate; return how many."""
    producer = Producer({"bootstrap.servers": endpoints.bootstrap_servers, "linger.ms": 20})
    alerts = [new_alert(user_id=f"u-{number}") for number in range(_PREPARED)]
    values = [encode(alert) for alert in alerts]
    began_s = time.monotonic()
    sent = 0
    while (elapsed_s := time.monotonic() - began_s) < _SECONDS:
        while sent < elapsed_s * _RATE:
            alert = alerts[sent % _PREPARED]
            producer.produce(ALERTS.name, values[sent % _PREPARED], alert.transaction.user_id)
            sent += 1
        producer.poll(0)
        time.sleep(0.01)  # the pace
    assert producer.flush(30) == 0
    return sent
