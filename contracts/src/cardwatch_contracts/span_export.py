"""Sends spans to a collector, or into a folder, without ever making anybody wait.

Set by OpenTelemetry's own variables (https://opentelemetry.io/docs/specs/otel/protocol/exporter/):
`OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`,
`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
`OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_SDK_DISABLED`. Without an endpoint spans go to the folder in
`CARDWATCH_TRACE_DIR`, and without that nowhere.
"""

import http.client
import logging
import os
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

from cardwatch_contracts.spans import Span, encode_resource, encode_spans, write_span

_log = logging.getLogger(__name__)

TRACE_DIR_VARIABLE: Final = "CARDWATCH_TRACE_DIR"
_EVERY_S: Final = 1.0
"""How long spans wait for others. Seconds."""
_MOST_IN_A_REQUEST: Final = 2_048
_MOST_QUEUED: Final = 4_096
_MOST_FILE_BYTES: Final = 64 * 1024 * 1024
_TIMEOUT_S: Final = 2.0
_CLOSE_S: Final = 2.0
"""How long the last spans may take when a process ends."""
_LONGEST_PAUSE_S: Final = 30.0
_LONGEST_ASKED_S: Final = 300.0
_THROTTLING: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class ThrottledError(OSError):
    """The collector takes nothing now, and says when it will."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Spans(Protocol):
    """Work that becomes spans when there is time for it."""

    def __len__(self) -> int:
        """Return how many, about: so many places they take in the queue."""

    def written(self) -> Iterable[bytes]:
        """Make them, as OTLP's JSON."""


class Made(tuple[Span, ...]):
    """Spans that are there already."""

    def written(self) -> Iterable[bytes]:
        """Write them."""
        return map(write_span, self)


class Written:
    """Spans that are written already."""

    __slots__ = ("_joined", "_places")

    def __init__(self, spans: Iterable[bytes], *, places: int) -> None:
        """Join spans of OTLP's JSON, which take `places` in the queue."""
        self._joined = b",".join(spans)
        self._places = places

    def __len__(self) -> int:
        return self._places

    def written(self) -> Iterable[bytes]:
        """Return them, as one."""
        return (self._joined,) if self._joined else ()


class Exporter:
    """Takes spans and sends them once a second, from a thread of its own.

    What does not fit into the queue, and what the collector does not take, is dropped and counted.
    While the collector does not answer nothing is encoded: after each failure it is left alone
    for twice as long, up to 30 s, or for as long as it says itself (`Retry-After`), up to 5 min.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        *,
        service: str,
        resource: Mapping[str, str] | None = None,
        most_queued: int = _MOST_QUEUED,
    ) -> None:
        """Send OTLP's JSON by `send`, which raises OSError where it cannot."""
        self._send = send
        self._resource = encode_resource(
            {
                "service.namespace": "cardwatch",
                "service.name": service,
                "service.instance.id": f"{socket.gethostname()}/{os.getpid()}",
                **(resource or {}),
            }
        )
        self._most_queued = most_queued
        self._queue: deque[Spans] = deque()
        self._queued = 0
        self._dropped = 0
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._pause_s = 0.0
        self._again_at_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    @property
    def room(self) -> int:
        """How many spans would be taken now: none while the collector does not answer."""
        if time.monotonic() < self._again_at_s:
            return 0
        return max(0, self._most_queued - self._queued)

    def put(self, spans: Spans) -> None:
        """Take spans; returns at once."""
        count = len(spans)
        if not count:
            return
        with self._lock:
            if self._queued >= self._most_queued:
                self._dropped += count
                return
            self._queued += count
            self._queue.append(spans)

    def put_made(self, *spans: Span) -> None:
        """Take spans that are there already."""
        self.put(Made(spans))

    def take_dropped(self) -> int:
        """Return how many spans were dropped since the last call."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        return dropped

    def flush(self, timeout_s: float) -> None:
        """Send what there is now, and wait for that at most so long."""
        flusher = threading.Thread(target=self._send_queued, daemon=True)
        flusher.start()
        flusher.join(timeout_s)

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """Send what there is, wait for that at most so long, and take no more time."""
        self._ended.set()
        self.flush(timeout_s)

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self._send_queued()

    def _send_queued(self) -> None:
        with self._sending:
            with self._lock:
                waiting, self._queue = self._queue, deque()
                self._queued = 0
            made: list[bytes] = []
            places = 0
            for work in waiting:
                if time.monotonic() < self._again_at_s:
                    self._drop(len(work))
                    continue
                made.extend(work.written())
                places += len(work)
                time.sleep(0)  # whoever waits for the interpreter's lock comes first
                if places >= _MOST_IN_A_REQUEST:
                    self._send_one(made, places)
                    made, places = [], 0
            if made:
                self._send_one(made, places)

    def _send_one(self, spans: list[bytes], count: int) -> None:
        if time.monotonic() < self._again_at_s:
            self._drop(count)
            return
        try:
            self._send(encode_spans(self._resource, spans))
        except OSError as error:
            asked_s = error.retry_after_s if isinstance(error, ThrottledError) else None
            self._pause_s = min(max(1.0, 2 * self._pause_s), _LONGEST_PAUSE_S)
            pause_s = self._pause_s if asked_s is None else min(asked_s, _LONGEST_ASKED_S)
            self._again_at_s = time.monotonic() + pause_s
            self._drop(count)
            _log.warning("%d spans are lost, others for %g s: %s", count, pause_s, error)
        else:
            self._pause_s = 0.0

    def _drop(self, count: int) -> None:
        with self._lock:
            self._dropped += count


class HttpTarget:
    """A collector's OTLP interface over HTTP."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        """Post to `url`, with further headers."""
        self._url = url
        self._headers = {**headers, "Content-Type": "application/json"}

    def __call__(self, body: bytes) -> None:
        """Post one request.

        Raises:
            ThrottledError: who answers says when to come again.
            OSError: nobody answers, or who answers refuses.
        """
        request = urllib.request.Request(self._url, body, self._headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            asked = error.headers.get("Retry-After", "")
            if error.code in _THROTTLING and asked.isascii() and asked.isdigit():
                raise ThrottledError(f"{self._url}: {error}", float(asked)) from None
            raise
        except http.client.HTTPException as error:
            raise OSError(f"{self._url} does not speak HTTP: {error!r}") from None


class FileTarget:
    """A folder with a file for each process, of OTLP's JSON in lines.

    The collector's `otlpjsonfile` receiver reads the same. A full file is kept until the next is
    full, too.
    """

    def __init__(self, folder: Path, service: str, *, most_bytes: int = _MOST_FILE_BYTES) -> None:
        """Write into `folder`, which is made where it is missing."""
        self._path = folder / f"{service}-{os.getpid()}.jsonl"
        self._most_bytes = most_bytes

    def __call__(self, body: bytes) -> None:
        """Append one request.

        Raises:
            OSError: the file cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if self._path.stat().st_size + len(body) > self._most_bytes:
                self._path.replace(self._path.with_suffix(".old.jsonl"))
        with open(self._path, "ab") as file:
            file.write(body + b"\n")


def exporter_of(environment: Mapping[str, str], *, service: str) -> Exporter | None:
    """Return the exporter that the environment asks for, None where it asks for none.

    Raises:
        ValueError: a variable has a value that is not allowed; the message names it.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    name = environment.get("OTEL_SERVICE_NAME") or service
    send: Callable[[bytes], None]
    url = _endpoint(environment)
    if url:
        send = HttpTarget(url, _pairs(environment, "OTEL_EXPORTER_OTLP_HEADERS"))
    elif folder := environment.get(TRACE_DIR_VARIABLE):
        send = FileTarget(Path(folder), name)
    else:
        return None
    return Exporter(
        send,
        service=name,
        resource=_pairs(environment, "OTEL_RESOURCE_ATTRIBUTES"),
        most_queued=_number(environment, "OTEL_BSP_MAX_QUEUE_SIZE", _MOST_QUEUED),
    )


def _endpoint(environment: Mapping[str, str]) -> str:
    own = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
    common = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    url = own or (common.rstrip("/") + "/v1/traces" if common else "")
    if url and (
        urllib.parse.urlsplit(url).scheme not in ("http", "https")
        or not urllib.parse.urlsplit(url).hostname
    ):
        name = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" if own else "OTEL_EXPORTER_OTLP_ENDPOINT"
        raise ValueError(f"{name} is {own or common}: expected such as http://collector:4318")
    return url


def _pairs(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """Read `key=value,key=value`, percent-encoded as in W3C baggage."""
    pairs: dict[str, str] = {}
    for pair in filter(None, environment.get(name, "").split(",")):
        key, separator, value = pair.partition("=")
        if not separator or not key.strip():
            raise ValueError(f"{name}: expected key=value, separated by commas")
        pairs[key.strip()] = urllib.parse.unquote(value.strip())
    return pairs


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    given = environment.get(name, "")
    if given and not (given.isascii() and given.isdigit() and int(given) > 0):
        raise ValueError(f"{name} is {given}: expected a number above 0")
    return int(given or default)
