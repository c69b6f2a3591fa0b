"""What the live view has seen of the alerts. Filled by one thread, read by another."""

import threading
from collections import Counter, deque
from typing import Final

from cardwatch_contracts.alert import Alert
from cardwatch_local.demo.latency import Latencies, Percentiles

RECENT: Final = 60
"""Alerts kept for showing: more than fit on any screen."""


class AlertTally:
    """Counts alerts on transactions of the live phase, each once."""

    def __init__(self, *, since_ms: int) -> None:
        """Count alerts on transactions that Kafka took at `since_ms` (epoch ms) or later."""
        self._since_ms = since_ms
        self._lock = threading.Lock()
        self._ids: set[str] = set()
        self._by_detector: Counter[str] = Counter()
        self._recent: deque[Alert] = deque(maxlen=RECENT)
        self._latencies = Latencies()

    def add(self, alert: Alert, *, seen_at_ms: int) -> None:
        """Take an alert that reached a consumer at `seen_at_ms` (epoch ms)."""
        if alert.ingested_at < self._since_ms:
            return
        with self._lock:
            if alert.alert_id in self._ids:  # the job went back to a checkpoint
                return
            self._ids.add(alert.alert_id)
            self._latencies.add(seen_at_ms - alert.ingested_at)
            self._by_detector.update(finding.detector for finding in alert.findings)
            self._recent.appendleft(alert)

    @property
    def alerts(self) -> int:
        """How many alerts there are."""
        return len(self._ids)

    @property
    def by_detector(self) -> dict[str, int]:
        """How many alerts each detector has a finding in."""
        with self._lock:
            return dict(self._by_detector)

    @property
    def recent(self) -> tuple[Alert, ...]:
        """The last alerts, newest first."""
        with self._lock:
            return tuple(self._recent)

    @property
    def latency(self) -> Percentiles:
        """From the transaction's arrival in Kafka to the consumer. Milliseconds."""
        with self._lock:
            return self._latencies.percentiles
