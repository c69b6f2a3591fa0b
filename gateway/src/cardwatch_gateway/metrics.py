"""What Prometheus reads."""

from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics import Histogram

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.prometheus import (
    DroppedSpans,
    counter,
    gauge,
    histogram,
    new_registry,
    observe,
)
from cardwatch_contracts.span_export import Exporter

_BUCKETS_S: Final = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0),
)


class GatewayMetrics:
    """Requests, what became of them, and how long Kafka takes."""

    def __init__(
        self, exporter: Exporter | None = None, registry: CollectorRegistry | None = None
    ) -> None:
        """Keep them in `registry`, or in one of their own."""
        self.registry = new_registry() if registry is None else registry
        requests = counter(t.GATEWAY_REQUESTS, self.registry)
        seconds = histogram(t.GATEWAY_REQUEST_SECONDS, self.registry, buckets=_BUCKETS_S)
        rejected = counter(t.GATEWAY_REJECTED, self.registry)
        verdicts = counter(t.GATEWAY_VERDICTS, self.registry)
        self.accepted = counter(t.GATEWAY_ACCEPTED, self.registry)
        self.failed = counter(t.GATEWAY_FAILED, self.registry)
        self._send_seconds = histogram(t.GATEWAY_SEND_SECONDS, self.registry, buckets=_BUCKETS_S)
        self.in_flight = gauge(t.GATEWAY_IN_FLIGHT, self.registry)
        self.stream_clients = gauge(t.GATEWAY_STREAM_CLIENTS, self.registry)
        self.let_go = counter(t.GATEWAY_LET_GO, self.registry)
        self.degraded = counter(t.GATEWAY_DEGRADED, self.registry)
        DroppedSpans(exporter, self.registry)
        # Few routes, statuses and reasons: their children are looked up once.
        self._requests = cache(lambda route, status: requests.labels(route, str(status)))
        self._seconds = cache(seconds.labels)
        self._rejected = cache(rejected.labels)
        self._verdicts = cache(verdicts.labels)
        for reason in ("slow", "shutdown"):
            self.let_go.labels(reason)
        for outcome in ("in_time", "timeout", "busy", "unavailable"):
            self._verdicts(outcome)

    def note_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered; `route` is its pattern, never what was asked for."""
        self._requests(route, status).inc()
        self._seconds_of(route).observe(seconds)

    def note_rejected(self, code: str) -> None:
        """Count a problem."""
        self._rejected_of(code).inc()

    def note_verdict(self, outcome: str) -> None:
        """Count a transaction whose sender waited for a verdict."""
        self._verdicts(outcome).inc()

    def note_sent(self, seconds: float, *, failed: bool, trace_id: str | None) -> None:
        """Note how long Kafka took with a transaction."""
        if failed:
            self.failed.inc()
        else:
            observe(self._send_seconds, seconds, trace_id)

    def _seconds_of(self, route: str) -> Histogram:
        found: Histogram = self._seconds(route)
        return found

    def _rejected_of(self, code: str) -> Counter:
        found: Counter = self._rejected(code)
        return found
