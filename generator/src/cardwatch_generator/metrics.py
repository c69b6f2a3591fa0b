"""What Prometheus reads."""

from collections.abc import Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.prometheus import (
    DroppedSpans,
    TotalsCollector,
    histogram,
    new_registry,
    observe,
)
from cardwatch_contracts.span_export import Exporter


class SendTimes:
    """How long Kafka takes."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Keep them in `registry`, or in one of their own."""
        self.registry = new_registry() if registry is None else registry
        self._seconds = histogram(t.SEND_SECONDS, self.registry)

    def note(self, seconds: float, trace_id: str | None) -> None:
        """Note how long a transaction took, and its trace if that is recorded."""
        observe(self._seconds, seconds, trace_id)


class Sending(Protocol):
    """A sink that counts."""

    @property
    def sent(self) -> int:
        """Transactions that it was given."""

    @property
    def acknowledged(self) -> int:
        """Those that are safe at the receiver."""

    @property
    def failed(self) -> int:
        """Those that were given up."""


class SinkMetrics(TotalsCollector):
    """What has become of what a sink was given."""

    def __init__(
        self, sink: Sending, exporter: Exporter | None, registry: CollectorRegistry
    ) -> None:
        self._sink = sink
        DroppedSpans(exporter, registry)
        super().__init__(registry)

    def totals(self) -> Mapping[t.Metric, float]:
        """Return what there is by now."""
        return {
            t.SENT: self._sink.sent,
            t.ACKNOWLEDGED: self._sink.acknowledged,
            t.FAILED: self._sink.failed,
        }
