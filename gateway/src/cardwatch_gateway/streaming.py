"""Alerts as they come: server-sent events, and messages of a WebSocket."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final

import msgspec
from confluent_kafka import KafkaException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from cardwatch_gateway.alert_filter import FIELDS, AlertFilter, read_filter, refuse_others
from cardwatch_gateway.cursor import Cursor, InvalidCursorError, read_cursor
from cardwatch_gateway.following import Sign, follow
from cardwatch_gateway.gate import problem_answer
from cardwatch_gateway.problems import ProblemError, invalid, unavailable
from cardwatch_gateway.services import Services

_TRY_AGAIN_LATER: Final = 1013
_GOING_AWAY: Final = 1001
_encode: Final = msgspec.json.Encoder().encode


class EventStream(Response):
    """Server-sent events for as long as the client reads them (the WHATWG's HTML standard, 9.2)."""

    media_type = "text/event-stream"

    def __init__(self, signs: AsyncGenerator[Sign, None], *, send_timeout_s: float) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._signs = signs
        self._send_timeout_s = send_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the signs end or the client has gone."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)

        async def write() -> None:
            async with aclosing(self._signs) as signs:
                async for sign in signs:
                    async with asyncio.timeout(self._send_timeout_s):
                        await send(_body(_event(sign), more=True))

        async def leave() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        if await _first_of(write, leave):
            await send(_body(b"", more=False))


async def stream_events(request: Request, services: Services) -> Response:
    """Answer with alerts as server-sent events.

    Raises:
        ProblemError: the request is not allowed, or there is no room.
    """
    wanted, since = _wish(request.query_params, request.headers, services)
    return EventStream(
        _signs(services, wanted, since), send_timeout_s=services.settings.send_timeout_s
    )


async def stream_messages(socket: WebSocket, services: Services) -> None:
    """Send alerts as messages of a WebSocket."""
    try:
        wanted, since = _wish(socket.query_params, socket.headers, services)
    except ProblemError as problem:
        services.metrics.note_rejected(problem.code)
        await socket.send_denial_response(problem_answer(problem))
        return
    await socket.accept()
    timeout_s = services.settings.send_timeout_s

    async def write() -> None:
        async with aclosing(_signs(services, wanted, since)) as signs:
            async for sign in signs:
                async with asyncio.timeout(timeout_s):
                    await socket.send_text(_message(sign))

    async def leave() -> None:
        with suppress(WebSocketDisconnect):
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass  # nothing is expected from a client

    with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        if await _first_of(write, leave):
            code = _GOING_AWAY if services.draining else _TRY_AGAIN_LATER
            async with asyncio.timeout(timeout_s):
                await socket.close(code)


def _wish(
    query: Mapping[str, str], headers: Mapping[str, str], services: Services
) -> tuple[AlertFilter, Cursor | None]:
    key = services.gate.let_in(headers, "read")
    refuse_others(query, (*FIELDS, "since"))
    wanted = read_filter(query, key)
    place = headers.get("last-event-id") or query.get("since")
    try:
        since = read_cursor(place) if place else None
    except InvalidCursorError as error:
        raise invalid(f"since, or Last-Event-ID: {error}", field="since") from None
    if not services.hub.has_room or (since is not None and not services.past.has_room):
        raise unavailable("too-many-clients", "too many follow alerts here", 5)
    if services.hub.position is None:
        raise unavailable("kafka-away", "Kafka does not answer: no alerts to follow", 2)
    return wanted, since


async def _signs(
    services: Services, wanted: AlertFilter, since: Cursor | None
) -> AsyncGenerator[Sign, None]:
    """Yield what is sent, and count who is let go."""
    heartbeat_s = services.settings.heartbeat_s
    signs = follow(services.hub, services.past, wanted, since=since, heartbeat_s=heartbeat_s)
    try:
        async with aclosing(signs):
            async for sign in signs:
                if sign.kind == "closing":
                    reason = "shutdown" if services.draining else "slow"
                    services.metrics.let_go.labels(reason).inc()
                yield sign
    except KafkaException:
        yield Sign("closing", "", text="Kafka does not answer; come back with the last id")


async def _first_of(*works: Callable[[], Awaitable[None]]) -> bool:
    """Run both until one ends, and end the other; return whether the first did, and well.

    Raises:
        TimeoutError: the client read nothing for too long.
    """
    tasks = [asyncio.ensure_future(_run(work)) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = tasks[0].done()
        if ended:
            await tasks[0]
        return ended
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def _event(sign: Sign) -> bytes:
    body = sign.alert or _encode({"message": sign.text} if sign.text else {})
    head = f"id: {sign.cursor}\n" if sign.cursor else ""
    return f"{head}event: {sign.kind}\ndata: ".encode() + body + b"\n\n"


def _message(sign: Sign) -> str:
    said: dict[str, Any] = {"type": sign.kind}
    if sign.text:
        said["message"] = sign.text
    if sign.cursor and sign.kind != "connected":
        said["id"] = sign.cursor
    if sign.alert:
        said["alert"] = msgspec.Raw(sign.alert)
    return _encode(said).decode()


def _body(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}
