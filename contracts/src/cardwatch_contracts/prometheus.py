"""Serves the metrics that `telemetry` declares. Needs prometheus_client, as its importers do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.span_export import Exporter

# Without it each counter brings a second series that says since when it counts.
disable_created_metrics()  # type: ignore[no-untyped-call]  # says nothing of its types

LATENCY_BUCKETS_S: Final = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0),
)
"""Fine around half a second, within which an alert is to be there."""


def counter(metric: t.Metric, registry: CollectorRegistry = REGISTRY) -> Counter:
    """Make a counter."""
    return Counter(metric.name, metric.description, metric.labels, registry=registry)


def gauge(metric: t.Metric, registry: CollectorRegistry = REGISTRY) -> Gauge:
    """Make a gauge."""
    return Gauge(metric.name, metric.description, metric.labels, registry=registry)


def histogram(
    metric: t.Metric,
    registry: CollectorRegistry = REGISTRY,
    *,
    buckets: Sequence[float] = LATENCY_BUCKETS_S,
) -> Histogram:
    """Make a histogram."""
    return Histogram(
        metric.name, metric.description, metric.labels, registry=registry, buckets=buckets
    )


def observe(
    histogram: Histogram, seconds: float, trace_id: str | None, labels: Sequence[str] = ()
) -> None:
    """Note a duration, with the trace it was measured in as its exemplar, if there is one."""
    of_labels = histogram.labels(*labels) if labels else histogram
    of_labels.observe(max(0.0, seconds), {"trace_id": trace_id} if trace_id else None)


def new_registry() -> CollectorRegistry:
    """Return a registry that has nothing but what a process takes: CPU time, memory, files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def serve(port: int, registry: CollectorRegistry = REGISTRY) -> None:
    """Serve `/metrics` until the process ends; exemplars to those who ask for OpenMetrics.

    Raises:
        OSError: somebody else listens at the port.
    """
    start_http_server(port, registry=registry)


class AlertMetrics:
    """What a consumer of alerts knows: how many there are, and how long they took."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._alerts = counter(t.CONSUMED_ALERTS, registry)
        self._latency = histogram(t.ALERT_LATENCY, registry)

    def note(
        self,
        *,
        config: str,
        mode: str,
        ingested_at: int,
        written_at: int | None,
        committed_at: int | None,
        trace_id: str | None,
    ) -> None:
        """Count an alert. Times are milliseconds since 1970-01-01 UTC.

        Args:
            config: The DetectorConfig that judged.
            mode: `active` or `shadow`.
            ingested_at: When Kafka took the transaction.
            written_at: When the job wrote the alert: its record's timestamp, if it has one.
            committed_at: When a consumer that reads committed had it; None: this one does not.
            trace_id: Of the transaction's trace.
        """
        self._alerts.labels(config, mode).inc()
        for stage, at in (("written", written_at), ("committed", committed_at)):
            if at is not None:
                observe(self._latency, (at - ingested_at) / 1000, trace_id, [stage])


class TotalsCollector(Collector):
    """Counters whose values somebody else keeps, and who is asked when they are read."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        registry.register(self)

    def totals(self) -> Mapping[t.Metric, float]:
        """Return what there is by now."""
        return {}

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield each as a counter."""
        for metric, value in self.totals().items():
            yield CounterMetricFamily(metric.name, metric.description, value=value)


class DroppedSpans(TotalsCollector):
    """Spans that an exporter has dropped; nobody else may ask it."""

    def __init__(self, exporter: Exporter | None, registry: CollectorRegistry = REGISTRY) -> None:
        self._exporter = exporter
        self._dropped = 0
        super().__init__(registry)

    def totals(self) -> Mapping[t.Metric, float]:
        """Return how many there are by now."""
        if self._exporter is not None:
            self._dropped += self._exporter.take_dropped()
        return {t.COMPONENT_DROPPED_SPANS: self._dropped}
