import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.span_export import Exporter, FileTarget, HttpTarget, exporter_of
from cardwatch_contracts.spans import Span
from cardwatch_contracts.trace_context import TraceContext

_SPAN = Span(
    name=t.JUDGE_BATCH,
    context=TraceContext("a" * 32, "b" * 16, True),
    start_ns=1,
    end_ns=2,
    attributes={},
)


def names_in(body: bytes) -> list[str]:
    (of_resource,) = json.loads(body)["resourceSpans"]
    return [span["name"] for span in of_resource["scopeSpans"][0]["spans"]]


@contextmanager
def running(send: Callable[[bytes], None], most_queued: int = 100) -> Iterator[Exporter]:
    exporter = Exporter(send, service="test", most_queued=most_queued)
    try:
        yield exporter
    finally:
        exporter.close(5)


def test_spans_are_sent_together() -> None:
    sent: list[bytes] = []
    with running(sent.append) as exporter:
        exporter.put_made(_SPAN, _SPAN)
        exporter.put_made(_SPAN)
        exporter.put_made()
        exporter.flush(5)
        assert [names_in(body) for body in sent] == [["judge batch"] * 3]
        exporter.flush(5)
        assert len(sent) == 1
        assert exporter.take_dropped() == 0


def test_they_are_sent_by_themselves() -> None:
    came = threading.Event()
    with running(lambda _: came.set()) as exporter:
        exporter.put_made(_SPAN)
        assert came.wait(5)


def test_what_does_not_fit_into_the_queue_is_counted() -> None:
    with running(lambda _: None, most_queued=2) as exporter:
        with exporter._sending:  # so that nothing leaves the queue
            for _ in range(5):
                exporter.put_made(_SPAN)
        assert exporter.take_dropped() >= 3
        assert exporter.take_dropped() == 0


def test_a_collector_that_does_not_answer_is_left_alone() -> None:
    tried: list[bytes] = []

    def refuse(body: bytes) -> None:
        tried.append(body)
        raise ConnectionRefusedError("nobody there")

    with running(refuse) as exporter:
        for _ in range(10):
            exporter.put_made(_SPAN)
            exporter.flush(5)
        assert len(tried) <= 2
        assert exporter.take_dropped() == 10


def test_a_collector_that_asks_for_a_pause_gets_it() -> None:
    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(503)
            self.send_header("Retry-After", "60")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        target = HttpTarget(f"http://127.0.0.1:{server.server_port}/v1/traces", {})
        with running(target) as exporter:
            assert exporter.room > 0
            exporter.put_made(_SPAN)
            exporter.flush(5)
            assert exporter.room == 0
            assert 50 < exporter._again_at_s - time.monotonic() <= 60
        thread.join()


def test_who_flushes_does_not_wait_for_a_collector_that_hangs() -> None:
    go_on = threading.Event()
    with running(lambda _: (go_on.wait(30), None)[1]) as exporter:
        exporter.put_made(_SPAN)
        exporter.flush(0.05)
        go_on.set()


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    folder = tmp_path / "traces"
    write = FileTarget(folder, "job", most_bytes=100)
    for number in range(20):
        write(b"%08d" % number)
    texts = [path.read_bytes() for path in sorted(folder.iterdir())]
    assert len(texts) == 2
    assert all(len(text) <= 100 for text in texts)
    assert b"00000019" in b"".join(texts)


@pytest.mark.parametrize("variable", ["ENDPOINT", "TRACES_ENDPOINT"])
def test_spans_go_where_opentelemetry_s_variables_say(variable: str) -> None:
    got: list[tuple[str, str | None, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["Api-Key"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        exporter = exporter_of(
            {
                f"OTEL_EXPORTER_OTLP_{variable}": url if variable == "ENDPOINT" else f"{url}/own",
                "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b",
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
                "OTEL_SERVICE_NAME": "mine",
            },
            service="job",
        )
        assert exporter is not None
        exporter.put_made(_SPAN)
        exporter.close(5)
        server.shutdown()
        thread.join()
    ((path, key, body),) = got
    assert (path, key) == ("/v1/traces" if variable == "ENDPOINT" else "/own", "a b")
    (of_resource,) = json.loads(body)["resourceSpans"]
    said = {a["key"]: a["value"]["stringValue"] for a in of_resource["resource"]["attributes"]}
    assert said["service.name"] == "mine"
    assert said["service.namespace"] == "cardwatch"
    assert said["deployment.environment"] == "test"


def test_a_folder_is_second_and_nothing_is_the_default(tmp_path: Path) -> None:
    assert exporter_of({}, service="job") is None
    everything = {"CARDWATCH_TRACE_DIR": str(tmp_path), "OTEL_SDK_DISABLED": "true"}
    assert exporter_of(everything, service="job") is None
    exporter = exporter_of({"CARDWATCH_TRACE_DIR": str(tmp_path)}, service="job")
    assert exporter is not None
    exporter.put_made(_SPAN)
    exporter.close(5)
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("job-")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "expected such as http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://", "expected such as"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret", "expected key=value"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=x", "expected key=value"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", "expected a number above 0"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, complaint: str) -> None:
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", name: value}
    with pytest.raises(ValueError, match=f"{name}.*{complaint}") as raised:
        exporter_of(given, service="job")
    assert "secret" not in str(raised.value)
