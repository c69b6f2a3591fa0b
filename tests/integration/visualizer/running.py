"""A visualizer as processes of their own, and what a browser would be sent."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
from tests.integration.gateway.running import eventually as wait_until

from cardwatch_local.endpoints import Endpoints

DEADLINE_S: Final = 300.0
"""A machine that does much else is many times as slow as a free one."""
_ADDRESS: Final = re.compile(r"listening at (http://[0-9.:]+)")


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait for as long as a busy machine needs."""
    wait_until(condition, what, DEADLINE_S)


class RunningVisualizer:
    """A process with its parts, and a client of it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log
        self.client = httpx.Client(base_url=url, timeout=60)

    def answers(self) -> bool:
        """Return whether it answers at all."""
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def collects(self) -> bool:
        """Return whether its collector has written lately."""
        answer = self.client.get("/readyz")
        return answer.status_code == 200 and answer.json() == {"ready": True, "why": []}

    def part(self, name: str) -> psutil.Process:
        """Return the process of a part."""
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # one that was killed a moment ago
                if f"--part={name}" in child.cmdline():
                    return child
        raise AssertionError(f"no {name} runs")


@contextmanager
def running_visualizer(
    endpoints: Endpoints,
    folder: Path,
    arguments: Sequence[str] = ("--no-login",),
    environment: Mapping[str, str] | None = None,
    *,
    collecting: bool = True,
) -> Iterator[RunningVisualizer]:
    """Run a visualizer at a free port until the end of the block."""
    log = folder / f"visualizer-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "cardwatch_visualizer", "--port", "0", *arguments]
    command += ["--bootstrap-servers", endpoints.bootstrap_servers]
    command += ["--valkey-url", endpoints.valkey_url, "--heartbeat-s", "1"]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file, env={**os.environ, **(environment or {})})

    def address() -> str | None:
        assert process.poll() is None, log.read_text()
        found = _ADDRESS.search(log.read_text())
        return found[1] if found else None

    visualizer: RunningVisualizer | None = None
    try:
        eventually(address, "the visualizer listens")
        visualizer = RunningVisualizer(process, address() or "", log)
        eventually(visualizer.answers, "the visualizer answers")
        if collecting:
            eventually(visualizer.collects, "the collector collects")
        yield visualizer
    finally:
        if visualizer is not None:
            visualizer.client.close()
        process.terminate()
        process.wait(60)


class Event:
    """A server-sent event."""

    def __init__(self, lines: Sequence[str]) -> None:
        fields = dict(line.split(": ", 1) for line in lines)
        self.id = fields.get("id")
        self.kind = fields.get("event", "")
        self.body: dict[str, Any] = json.loads(fields.get("data", "{}"))


@contextmanager
def _followed(
    client: httpx.Client, headers: Mapping[str, str], deadline: float
) -> Iterator[httpx.Response]:
    while True:
        with client.stream("GET", "/live/events", headers=headers) as answer:
            if answer.status_code == 200:
                yield answer
                return
            assert answer.status_code == 503, answer.status_code
        assert time.monotonic() < deadline, "the server has no room for a stream"
        time.sleep(0.2)


def events(client: httpx.Client, last: str | None = None) -> Generator[Event, None, None]:
    """Yield events until the deadline, as a browser would get them.

    A server counts a stream until it sees that its reader went: one that is refused for the number
    of streams comes again, as pages do.
    """
    headers = {"Last-Event-ID": last} if last else {}
    deadline = time.monotonic() + DEADLINE_S
    with _followed(client, headers, deadline) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines: list[str] = []
        for line in answer.iter_lines():
            assert time.monotonic() < deadline, "no such event in time"
            if line:
                lines.append(line)
            elif lines:
                yield Event(lines)
                lines = []
