"""What Prometheus reads: of every process, added up by the one that serves it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.prometheus import counter, histogram
from cardwatch_visualizer.live.shapes import Tick
from cardwatch_visualizer.model_metrics import ModelMetrics

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own: processes that find it set share their values through files there."""
_BUCKETS_S: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0)


class WebMetrics:
    """Requests and streams of one worker."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Keep them in `registry`, or in one of their own."""
        registry = registry or CollectorRegistry()
        self._requests = counter(t.VISUALIZER_REQUESTS, registry)
        self._seconds = histogram(t.VISUALIZER_REQUEST_SECONDS, registry, buckets=_BUCKETS_S)
        self.feedback = counter(t.VISUALIZER_FEEDBACK, registry)
        metric = t.VISUALIZER_STREAM_CLIENTS
        self.stream_clients = Gauge(
            metric.name, metric.description, registry=registry, multiprocess_mode="livesum"
        )

    def note_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered; `route` is its pattern, never what was asked for."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class CollectorMetrics:
    """What the collector has read and written."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Keep them in `registry`, or in one of their own."""
        registry = registry or CollectorRegistry()
        self._ticks = counter(t.VISUALIZER_TICKS, registry)
        self._alerts = counter(t.VISUALIZER_ALERTS, registry)
        self._left_out = counter(t.VISUALIZER_LEFT_OUT, registry)
        self._dropped = counter(t.COMPONENT_DROPPED_SPANS, registry)
        self._told = (0, 0)
        self.models = ModelMetrics(registry)

    def note(self, tick: Tick, *, alerts: int, dropped_spans: int) -> None:
        """Count a tick that was written; `alerts` came since the collector began."""
        self._dropped.inc(dropped_spans)
        told_alerts, told_left_out = self._told
        if alerts < told_alerts:  # it has begun anew
            told_alerts = told_left_out = 0
        self._ticks.inc()
        self._alerts.inc(alerts - told_alerts)
        self._left_out.inc(max(0, tick.totals.left_out - told_left_out))
        self._told = (alerts, tick.totals.left_out)


def serve_all(port: int, folder: Path) -> None:
    """Serve what all processes have written into a folder, until this one ends.

    Raises:
        OSError: somebody else listens at the port.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call] # untyped there
    start_http_server(port, registry=registry)


def forget_values(pid: int, environment: Mapping[str, str]) -> None:
    """Let the values of a process that has ended count no more, where they are of the moment."""
    folder = environment.get(FOLDER_VARIABLE)
    if folder:
        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call] # untyped there
