"""What Prometheus reads."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cardwatch_archiver.tables import Table
from cardwatch_contracts import telemetry as t
from cardwatch_contracts.prometheus import DroppedSpans, counter, gauge, histogram, new_registry
from cardwatch_contracts.span_export import Exporter


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicMetrics:
    """What is counted of one topic on its way into a store."""

    written: Counter
    left_out: Counter
    away: Counter
    moved: Counter
    seconds: Histogram
    lag: Gauge


class ArchiverMetrics:
    """How much is written, how long that takes, and what is still to be written."""

    def __init__(
        self, exporter: Exporter | None = None, registry: CollectorRegistry | None = None
    ) -> None:
        """Keep them in `registry`, or in one of their own; `exporter` knows of dropped spans."""
        self.registry = new_registry() if registry is None else registry
        DroppedSpans(exporter, self.registry)
        retries = counter(t.ARCHIVER_RETRIES, self.registry)
        self.profiles = TopicMetrics(
            written=counter(t.PROFILES_WRITTEN, self.registry),
            left_out=counter(t.LEFT_OUT, self.registry),
            away=retries.labels("away"),  # so that they are there before the first
            moved=retries.labels("moved"),
            seconds=histogram(t.WRITE_SECONDS, self.registry),
            lag=gauge(t.ARCHIVER_LAG, self.registry),
        )
        self.failures = counter(t.PART_FAILURES, self.registry)
        self.dropped = counter(t.DROPPED_PARTITIONS, self.registry)
        self._rows = counter(t.ROWS_WRITTEN, self.registry)
        self._left_out = counter(t.ROWS_LEFT_OUT, self.registry)
        self._retries = counter(t.DATABASE_RETRIES, self.registry)
        self._seconds = histogram(t.DATABASE_WRITE_SECONDS, self.registry)
        self._lag = gauge(t.DATABASE_LAG, self.registry)

    def of(self, table: Table) -> TopicMetrics:
        """Return those of a table and its topic."""
        return TopicMetrics(
            written=self._rows.labels(table.name),
            left_out=self._left_out.labels(table.name),
            away=self._retries.labels(table.name, "away"),
            moved=self._retries.labels(table.name, "moved"),
            seconds=self._seconds.labels(table.name),
            lag=self._lag.labels(table.topic),
        )
