"""Connections within bounds: how many, and how long and how large a request's head may be.

uvicorn waits for ever for a request that never begins, and reads headers without end.
"""

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from cardwatch_gateway.direct import PATHS, DirectPost, Reply

_MAX_HEAD_BYTES: Final = 32 * 1024
_HEAD_TOO_LONG: Final = "431 Request Header Fields Too Large"
_TOO_SLOW: Final = "408 Request Timeout"
_TOO_MANY: Final = "503 Service Unavailable"


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    header_timeout_s: ClassVar[float] = 10.0
    """How long a request's line and headers may take. Seconds."""
    max_connections: ClassVar[int] = 2_000
    direct: ClassVar[DirectPost]
    """What answers requests that bring transactions."""

    _head_bytes = 0
    _in_head = True
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin, or refuse where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(_TOO_MANY)
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; of a head only so many."""
        if self.transport.is_closing():
            return
        if self._in_head:
            if self._deadline is None:
                self._await_head()
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > _MAX_HEAD_BYTES:
            self._refuse(_HEAD_TOO_LONG)

    def on_headers_complete(self) -> None:
        """Go on from the head to the body."""
        self._in_head = False
        self._forget_deadline()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Go on to the next request's head, whose time begins with its first byte."""
        super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin with a request whose head is there."""
        if cycle.scope["method"] != "POST" or cycle.scope["path"] not in PATHS:
            super()._start_asgi_task(cycle, app)
            return
        task = self.loop.create_task(self._answer_directly(cycle))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer_directly(self, cycle: RequestResponseCycle) -> None:
        # By now the parser has seen what came with the head: mostly the whole body.
        body = None if cycle.more_body else bytes(cycle.body)
        reply = await self.direct(cycle.scope, cycle.receive, body)  # type: ignore[arg-type]
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if cycle.disconnected:
            return
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        if reply is None:
            self.transport.close()
            return
        keeps = cycle.keep_alive and "Connection" not in reply.headers
        self.transport.write(self._written(reply, keeps=keeps))
        if not keeps:
            self.transport.close()
        self.on_response_complete()

    def _written(self, reply: Reply, *, keeps: bool) -> bytes:
        parts = [STATUS_LINE[reply.status]]
        for name, value in self.server_state.default_headers:
            parts += [name, b": ", value, b"\r\n"]
        lines = [f"{name.lower()}: {value}\r\n" for name, value in reply.headers.items()]
        if not keeps and "Connection" not in reply.headers:
            lines.append("connection: close\r\n")
        head = f"content-length: {len(reply.body)}\r\ncontent-type: {reply.media_type}\r\n\r\n"
        parts += [*[line.encode("latin-1") for line in lines], head.encode(), reply.body]
        return b"".join(parts)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self.header_timeout_s, self._refuse, _TOO_SLOW)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: str) -> None:
        self._forget_deadline()
        if self.transport.is_closing():
            return
        busy = self.cycle is not None and not self.cycle.response_complete
        if not busy:
            retry = "retry-after: 1\r\n" if status == _TOO_MANY else ""
            head = f"HTTP/1.1 {status}\r\n{retry}content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
        self.transport.close()


def bounded_protocol(
    *, direct: DirectPost, header_timeout_s: float, max_connections: int
) -> type[BoundedProtocol]:
    """Return the protocol with its bounds."""
    bounds = {
        "direct": direct,
        "header_timeout_s": header_timeout_s,
        "max_connections": max_connections,
    }
    return type("BoundedProtocol", (BoundedProtocol,), bounds)
