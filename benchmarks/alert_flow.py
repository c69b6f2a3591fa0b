"""Alerts at a rate, straight onto their topic: more than a job on the same cores would raise."""

import time
from collections.abc import Sequence
from threading import Event, Thread
from typing import Final

from confluent_kafka import Producer
from msgspec.structs import replace

from benchmarks.gateway import simulated
from cardwatch_contracts.alert import Alert, Finding, alert_id_of
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import Detectors
from cardwatch_contracts.topics import ALERTS

_MADE: Final = 5_000
_STEP_S: Final = 0.01
_FLUSH_S: Final = 60.0


class AlertFlow:
    """Sends alerts on the payments of 20,000 cards, each of them once, until it is stopped."""

    def __init__(self, bootstrap_servers: str, *, seed: int) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "linger.ms": 5,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._alerts = _alerts(seed)
        self._stop = Event()
        self._thread = Thread()
        self.sent = 0
        """Alerts handed to Kafka's client so far."""

    def start(self, rate_per_s: float) -> None:
        """Begin to send."""
        self._stop.clear()
        self._thread = Thread(target=self._run, args=(rate_per_s,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until Kafka has all of them."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._producer.flush(_FLUSH_S)

    def close(self) -> None:
        """Stop, and leave Kafka: its client would look for a broker that has been stopped."""
        self.stop()
        del self._producer

    def _run(self, rate_per_s: float) -> None:
        began_s, before = time.monotonic(), self.sent
        while not self._stop.wait(_STEP_S):
            due = before + round((time.monotonic() - began_s) * rate_per_s)
            while self.sent < due:
                self._send(self._alerts[self.sent % len(self._alerts)])
            self._producer.poll(0)

    def _send(self, alert: Alert) -> None:
        now_ms = time.time_ns() // 1_000_000
        self.sent += 1
        number = f"soak-{self.sent}-{now_ms}"
        txn = replace(alert.transaction, transaction_id=number, event_time=now_ms)
        fresh = replace(alert, alert_id=alert_id_of(number), transaction=txn, ingested_at=now_ms)
        self._producer.produce(ALERTS.name, encode(fresh), txn.user_id.encode())


def _alerts(seed: int) -> Sequence[Alert]:
    detectors = Detectors.__struct_fields__
    return [
        Alert(
            alert_id="",
            transaction=txn,
            findings=(
                Finding(
                    detector=detectors[index % len(detectors)],
                    observed=41_200,
                    threshold=22_780,
                    unit="minor",
                    reason="412.00 EUR is 18.1 times the card's average of 22.78 EUR",
                    counterfactual="no finding below 227.80 EUR",
                ),
            ),
            config="built-in",
            generation=0,
            ingested_at=0,
        )
        for index, txn in enumerate(simulated(seed, _MADE).transactions)
    ]
