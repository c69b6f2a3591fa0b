"""What Flink's REST interface may answer, and what is made of it.

A stand-in answers here, for a real JobManager cannot be made to fail in these ways.
"""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from cardwatch_operator.flink_rest import FlinkRest

_JOB = {"jid": "a1", "state": "RUNNING", "tasks": {"total": 6, "running": 6}}
_VERTICES = {"vertices": [{"parallelism": 1}, {"parallelism": 4}]}

Answers = dict[str, tuple[int, Any]]


@pytest.fixture
def flink() -> Iterator[Callable[[Answers], FlinkRest]]:
    """Make a stand-in that answers paths with a status and a body, as JSON unless it is bytes."""
    servers: list[HTTPServer] = []

    def start(answers: Answers) -> FlinkRest:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answers.get(self.path, (404, {"errors": ["not found"]}))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return FlinkRest(f"http://127.0.0.1:{server.server_port}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_parallelism_is_that_of_the_widest_vertex(
    flink: Callable[[Answers], FlinkRest],
) -> None:
    rest = flink({"/jobs/overview": (200, {"jobs": [_JOB]}), "/jobs/a1": (200, _VERTICES)})
    assert rest.running_parallelism() == 4


@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("a task that does not run yet", _JOB | {"tasks": {"total": 6, "running": 5}}),
        ("a job that starts again", _JOB | {"state": "RESTARTING"}),
        ("a job that failed", _JOB | {"state": "FAILED", "tasks": {"total": 6, "running": 0}}),
        ("a job without tasks", _JOB | {"tasks": {"total": 0, "running": 0}}),
    ],
)
def test_nothing_runs_as_long_as_not_all_does(
    flink: Callable[[Answers], FlinkRest], name: str, job: dict[str, Any]
) -> None:
    rest = flink({"/jobs/overview": (200, {"jobs": [job]}), "/jobs/a1": (200, _VERTICES)})
    assert rest.running_parallelism() is None, name


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"/jobs/overview": (200, {"jobs": []})},
        {"/jobs/overview": (503, b"the leader is not known")},
        {"/jobs/overview": (200, b"<html>not Flink</html>")},
        {"/jobs/overview": (200, {"jobs": [_JOB]}), "/jobs/a1": (500, b"")},
    ],
)
def test_no_good_answer_is_none(flink: Callable[[Answers], FlinkRest], answers: Answers) -> None:
    assert flink(answers).running_parallelism() is None


def test_nobody_there_is_none() -> None:
    assert FlinkRest("http://127.0.0.1:1").running_parallelism() is None
