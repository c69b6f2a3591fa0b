"""One connection to the gateway, for one request at a time."""

import asyncio
import ssl
import urllib.parse
from typing import Any, Final, NamedTuple, cast

import httptools

from cardwatch_generator.gateway_settings import GatewaySettings

_SHOWN_BYTES: Final = 500
_FIRST_FINAL: Final = 200
"""Answers below it say that another one comes."""
_PORTS: Final = {"http": 80, "https": 443}


class Answer(NamedTuple):
    """What the gateway answered."""

    status: int
    retry_after_s: float | None
    """After how many seconds it wants to be asked again, if it says so."""
    said: str
    """The beginning of the body."""


class GatewayConnection(asyncio.Protocol):
    """A connection of HTTP/1.1 that is opened when it is needed, and again after a failure."""

    def __init__(self, settings: GatewaySettings) -> None:
        parts = urllib.parse.urlsplit(settings.url)
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._timeout_s = settings.timeout_s
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None  # has no types
        self._answer: asyncio.Future[Answer] | None = None
        self._retry_after_s: float | None = None
        self._said = b""
        self._in_body = self._has_length = False

    async def post(self, request: bytes) -> Answer:
        """Send a request, and return what is answered.

        Raises:
            OSError: there was no answer in time, or it was not HTTP.
        """
        loop = asyncio.get_running_loop()
        try:
            if self._transport is None:
                async with asyncio.timeout(self._timeout_s):
                    await loop.create_connection(
                        lambda: self, self._host, self._port, ssl=self._ssl
                    )
            assert self._transport is not None, "it is connected"
            answer: asyncio.Future[Answer] = loop.create_future()
            self._answer = answer
            self._transport.write(request)
            late = loop.call_later(self._timeout_s, self._fail, TimeoutError("timed out"))
            try:
                return await answer
            finally:
                late.cancel()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection."""
        transport, self._transport, self._answer = self._transport, None, None
        if transport is not None:
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        # No isinstance: uvloop's are not asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; an answer without a length ends with the connection."""
        self._transport = None
        if self._in_body and not self._has_length:
            self.on_message_complete()
        self._fail(exc if isinstance(exc, OSError) else ConnectionResetError("connection closed"))

    def data_received(self, data: bytes) -> None:
        """Read on."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(ConnectionError("no HTTP"))
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one of the answer's headers."""
        name = name.lower()
        if name == b"retry-after" and value.isdigit():
            self._retry_after_s = float(value)
        elif name in (b"content-length", b"transfer-encoding"):
            self._has_length = True

    def on_headers_complete(self) -> None:
        """Go on to the answer's body."""
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        """Take a part of the answer's body."""
        if len(self._said) < _SHOWN_BYTES:
            self._said += body[:_SHOWN_BYTES]

    def on_message_complete(self) -> None:
        """Hand over the answer."""
        status = self._parser.get_status_code()
        answer = Answer(status, self._retry_after_s, self._said.decode(errors="replace"))
        self._begin()
        if status < _FIRST_FINAL:
            return
        waiting, self._answer = self._answer, None
        if not self._parser.should_keep_alive():
            self.close()
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _begin(self) -> None:
        self._retry_after_s = None
        self._said = b""
        self._in_body = self._has_length = False

    def _fail(self, error: OSError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
