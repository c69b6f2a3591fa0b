"""A collector that takes spans for some seconds, is gone, and refuses them, over and over.

A job that runs can be compared with itself: whole runs differ by more than what recording costs.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from itertools import count
from types import TracebackType
from typing import Final, NamedTuple

from cardwatch_local.ports import LOOPBACK

_LOOK_EVERY_S: Final = 0.1
_LONGEST_REQUEST_S: Final = 2.0


class Way(Enum):
    """What a collector does with spans."""

    TAKES = "with spans"
    GONE = "collector gone"
    REFUSES = "without spans"
    """Asks to be left alone until the phase is over: the job notes nothing until then."""


class Phase(NamedTuple):
    """A time in which the collector did the same. Seconds of the monotonic clock."""

    way: Way
    start_s: float
    end_s: float


class SwitchedCollector:
    """Serves OTLP over HTTP on loopback in phases, from the `with` block's beginning to its end."""

    def __init__(self, phase_s: float) -> None:
        """Do the same for `phase_s` seconds at a time."""
        self._phase_s = phase_s
        self._began_s = time.monotonic()
        self._ended = threading.Event()
        self._listener: socket.socket | None = _listen(0)
        self._port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="collector", daemon=True)

    def __enter__(self) -> "SwitchedCollector":
        self._began_s = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._close()

    @property
    def endpoint(self) -> str:
        """The value of `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"http://{LOOPBACK}:{self._port}"

    def phases(self, start_s: float, end_s: float) -> Iterator[Phase]:
        """Return the whole phases between two times."""
        for number in count(max(0, int((start_s - self._began_s) / self._phase_s))):
            begins_s = self._began_s + number * self._phase_s
            if begins_s + self._phase_s > end_s:
                return
            if begins_s >= start_s:
                yield Phase(_way(number), begins_s, begins_s + self._phase_s)

    def _serve(self) -> None:
        while not self._ended.is_set():
            now_s = time.monotonic() - self._began_s
            number = int(now_s / self._phase_s)
            if _way(number) is Way.GONE:
                self._close()
                self._ended.wait(_LOOK_EVERY_S)
                continue
            if self._listener is None:
                self._listener = _listen(self._port)
            with suppress(OSError):  # nobody came, or who came has left
                connection, _ = self._listener.accept()
                left_s = (number + 1) * self._phase_s - now_s
                with connection:
                    self._answer(connection, 0.0 if _way(number) is Way.TAKES else left_s)

    def _answer(self, connection: socket.socket, wait_s: float) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if wait_s:
                    self.send_response(HTTPStatus.SERVICE_UNAVAILABLE)
                    self.send_header("Retry-After", str(max(1, round(wait_s))))
                else:
                    self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        connection.settimeout(_LONGEST_REQUEST_S)
        Handler(connection, (LOOPBACK, 0), None)  # type: ignore[arg-type] # it needs no server

    def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _listen(port: int) -> socket.socket:
    listener = socket.create_server((LOOPBACK, port))
    listener.settimeout(_LOOK_EVERY_S)
    return listener


def _way(number: int) -> Way:
    ways = tuple(Way)
    return ways[number % len(ways)]
