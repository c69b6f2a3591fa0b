"""How long it takes from a transaction to its alert in a consumer's hands."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from confluent_kafka import TopicPartition

from benchmarks.arithmetic import quantile
from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.topics import ALERTS
from cardwatch_local.reading.topic import Isolation, beginnings, follow_topic, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a number of latencies lie. Milliseconds."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, latencies_ms: Sequence[float]) -> "Spread":
        """Summarize latencies, at least one."""
        ordered = sorted(latencies_ms)
        return cls(
            count=len(ordered),
            p50_ms=quantile(ordered, 0.5),
            p99_ms=quantile(ordered, 0.99),
            max_ms=ordered[-1],
        )

    def as_json(self) -> dict[str, Any]:
        """Return the figures for other programs."""
        return {
            "count": self.count,
            "p50_ms": round(self.p50_ms, 1),
            "p99_ms": round(self.p99_ms, 1),
            "max_ms": round(self.max_ms, 1),
        }

    def __str__(self) -> str:
        return (
            f"{self.count:,}: p50 {self.p50_ms:,.0f} ms, p99 {self.p99_ms:,.0f} ms, "
            f"max {self.max_ms:,.0f} ms"
        )


class AlertWatch:
    """Reads alerts as they come, in a thread, and notes how old their transactions are by then."""

    def __init__(
        self,
        bootstrap_servers: str,
        isolation: Isolation,
        *,
        start: Sequence[TopicPartition] | None = None,
    ) -> None:
        """Read from `start` on; None: from the beginning."""
        self._servers = bootstrap_servers
        self._isolation = isolation
        self._start = beginnings(ALERTS) if start is None else start
        self._stop = Event()
        self._ages: list[tuple[int, float]] = []
        self._thread = Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def between(self, start_ms: int, end_ms: int) -> list[float]:
        """Return the latencies of alerts on transactions published then (epoch ms). In ms."""
        return [age_ms for ingested_at, age_ms in self._ages if start_ms <= ingested_at < end_ms]

    def _read(self) -> None:
        messages = follow_topic(
            self._servers,
            ALERTS,
            isolation=self._isolation,
            start=self._start,
            stopped=self._stop.is_set,
        )
        for message in messages:
            now_ms = time.time_ns() / 1e6
            ingested_at = decode_alert(value_of(message)).ingested_at
            self._ages.append((ingested_at, now_ms - ingested_at))
