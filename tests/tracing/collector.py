"""A real OpenTelemetry collector of this machine."""

import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.tracing.servers import running
from tests.unit.project.machine import REPOSITORY

from cardwatch_local.ports import LOOPBACK

CONFIG: Final = REPOSITORY / "charts/cardwatch/files/collector.yaml"
"""That of the platform's own collector."""
_REMOVED: Final = "otelcol_processor_tail_sampling_sampling_trace_removal_age_count"


@dataclass(frozen=True, slots=True)
class Collector:
    """Where it takes spans."""

    otlp_endpoint: str
    """For OTLP over HTTP, such as http://127.0.0.1:4318."""
    otlp_grpc: str
    """For OTLP over gRPC, such as 127.0.0.1:4317."""
    metrics_url: str
    """Of its own metrics, in Prometheus' format."""

    def decided(self) -> int:
        """Return of how many traces it was decided whether they are kept.

        Raises:
            OSError: it does not answer.
        """
        with urllib.request.urlopen(self.metrics_url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = [line.split()[-1] for line in lines if line.startswith(_REMOVED)]
        return int(float(found[0])) if found else 0  # it is not told before the first


@contextmanager
def running_collector(
    config: Path = CONFIG, environment: Mapping[str, str] | None = None
) -> Iterator[Collector]:
    """Run a collector by a file, at free ports instead of those that the file says.

    The file has a receiver `otlp` and an extension `health_check`.
    """

    def at(port: int) -> str:
        return f"{LOOPBACK}:{port}"

    def overlay(ports: Sequence[int]) -> dict[str, Any]:
        grpc, http, health = map(at, ports[:3])
        metrics = {"prometheus": {"host": LOOPBACK, "port": ports[3]}}
        return {
            "receivers": {
                "otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}}
            },
            "extensions": {"health_check": {"endpoint": health}},
            "service": {"telemetry": {"metrics": {"readers": [{"pull": {"exporter": metrics}}]}}},
        }

    with running(
        "collector",
        lambda ports: (config, overlay(ports)),
        ports=4,
        ready=lambda ports: f"http://{at(ports[2])}/",
        environment=environment or {},
    ) as (_, ports):
        yield Collector(
            otlp_endpoint=f"http://{at(ports[1])}",
            otlp_grpc=at(ports[0]),
            metrics_url=f"http://{at(ports[3])}/metrics",
        )
