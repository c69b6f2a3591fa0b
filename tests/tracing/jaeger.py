"""A real Jaeger of this machine, and what it knows of traces."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tests.tracing.servers import running
from tests.tracing.traces import Trace, read_trace
from tests.unit.project.machine import REPOSITORY

from cardwatch_local.ports import LOOPBACK

CONFIG: Final = REPOSITORY / "charts/cardwatch/files/jaeger.yaml"
"""That of the platform's own Jaeger."""
_POLL_S: Final = 0.1
_MOST_TRACES: Final = 1000
_NOT_FOUND: Final = 404


class Jaeger:
    """Jaeger's query API, and where it takes spans."""

    def __init__(self, *, query_url: str, otlp_endpoint: str = "", otlp_grpc: str = "") -> None:
        """Ask at `query_url`, such as http://127.0.0.1:16686."""
        self.query_url = query_url
        self.otlp_endpoint = otlp_endpoint
        """For OTLP over HTTP, such as http://127.0.0.1:4318."""
        self.otlp_grpc = otlp_grpc
        """For OTLP over gRPC, such as 127.0.0.1:4317."""

    def services(self) -> list[str]:
        """Return who has sent spans."""
        return sorted(self._ask("services") or ())

    def trace(self, trace_id: str) -> Trace | None:
        """Return what is there of a trace, None where there is nothing yet."""
        found = self._ask(f"traces/{trace_id}")
        return read_trace(found[0]) if found else None

    def find(self, service: str, tags: Mapping[str, str] | None = None) -> list[Trace]:
        """Return the traces with a span of a service that has all the tags."""
        query = {
            "service": service,
            "tags": json.dumps(dict(tags or {})),
            # Without these Jaeger looks at the last two days only.
            "start": "0",
            "end": str(time.time_ns() // 1000 + 86_400_000_000),
            "limit": str(_MOST_TRACES),
        }
        found = self._ask(f"traces?{urllib.parse.urlencode(query)}")
        return [read_trace(document) for document in found or ()]

    def wait_for(
        self,
        trace_id: str,
        complete: Callable[[Trace], bool] = lambda trace: True,
        *,
        timeout_s: float = 30,
    ) -> Trace:
        """Return a trace once it is there and as complete as asked for.

        Raises:
            AssertionError: it is not within the time; the text has what is there.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            trace = self.trace(trace_id)
            if trace is not None and complete(trace):
                return trace
            there = "nothing of it" if trace is None else trace.tree()
            assert time.monotonic() < deadline, (
                f"trace {trace_id} is not complete after {timeout_s:.0f} s: {there}"
            )
            time.sleep(_POLL_S)

    def _ask(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(f"{self.query_url}/api/{path}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _NOT_FOUND:
                    return None
                said = error.read().decode(errors="replace")
            raise AssertionError(f"Jaeger answers {path} with {error.code}: {said}") from None


@contextmanager
def running_jaeger(*, address: str = LOOPBACK, max_traces: int = 10_000) -> Iterator[Jaeger]:
    """Run Jaeger at free ports, with the traces in its memory; all is gone with it."""

    def at(port: int) -> str:
        return f"{address}:{port}"

    def overlay(ports: Sequence[int]) -> dict[str, Any]:
        grpc, http, query, query_grpc, health = map(at, ports)
        return {
            "receivers": {
                "otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}}
            },
            "extensions": {
                "jaeger_query": {"http": {"endpoint": query}, "grpc": {"endpoint": query_grpc}},
                "healthcheckv2": {"http": {"endpoint": health}},
            },
        }

    with running(
        "jaeger",
        lambda ports: (CONFIG, overlay(ports)),
        ports=5,
        ready=lambda ports: f"http://{at(ports[4])}/status",
        environment={"CARDWATCH_JAEGER_MAX_TRACES": str(max_traces)},
    ) as (_, ports):
        yield Jaeger(
            query_url=f"http://{at(ports[2])}",
            otlp_endpoint=f"http://{at(ports[1])}",
            otlp_grpc=at(ports[0]),
        )
