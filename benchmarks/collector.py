"""A collector that takes spans, refuses them, or is gone, as it is told.

A job that runs can be compared with itself: whole runs differ by more than what recording costs.
"""

import math
import socket
import threading
import time
from contextlib import suppress
from enum import Enum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Final

from cardwatch_local.ports import LOOPBACK

_LOOK_EVERY_S: Final = 0.1
_LONGEST_REQUEST_S: Final = 2.0


class Way(Enum):
    """What a collector does with spans."""

    TAKES = "with spans"
    REFUSES = "without spans"
    """Asks to be left alone for as long as it refuses: the job notes nothing until then."""
    GONE = "collector gone"


class SwitchedCollector:
    """Serves OTLP over HTTP on loopback from the `with` block's beginning to its end."""

    def __init__(self) -> None:
        """Take spans at first."""
        self._way = Way.TAKES
        self._until_s = math.inf
        self._ended = threading.Event()
        self._listener: socket.socket | None = _listen(0)
        self._port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="collector", daemon=True)

    def __enter__(self) -> "SwitchedCollector":
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

    def switch(self, way: Way, for_s: float) -> None:
        """Do so from now on; whoever is refused is asked to come again after `for_s` seconds."""
        self._until_s = time.monotonic() + for_s
        self._way = way

    def _serve(self) -> None:
        while not self._ended.is_set():
            if self._way is Way.GONE:
                self._close()
                self._ended.wait(_LOOK_EVERY_S)
                continue
            if self._listener is None:
                self._listener = _listen(self._port)
            with suppress(OSError):  # nobody came, or who came has left
                connection, _ = self._listener.accept()
                with connection:
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        wait_s = self._until_s - time.monotonic() if self._way is Way.REFUSES else 0.0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if wait_s > 0:
                    self.send_response(HTTPStatus.SERVICE_UNAVAILABLE)
                    self.send_header("Retry-After", str(math.ceil(wait_s)))
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
