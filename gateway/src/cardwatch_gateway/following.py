"""What a client that follows alerts is sent, in whatever form."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal

from cardwatch_gateway.alert_filter import AlertFilter
from cardwatch_gateway.alert_hub import AlertHub, Follower
from cardwatch_gateway.alert_topic import AlertPast
from cardwatch_gateway.cursor import Cursor

Kind = Literal["connected", "alert", "heartbeat", "gap", "closing"]

CONNECTED: Final = "Connected to fraud alert system"
GAP: Final = "some alerts are missing here: Kafka does not keep them any more"
_CLOSING: Final = {
    "slow": "too many alerts waited to be read; come back with the id of the last one",
    "shutdown": "this gateway stops; come back with the id of the last alert",
}
_REACHED_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Sign:
    """Something a client is sent."""

    kind: Kind
    cursor: str
    """Where the client is with it."""
    alert: bytes = b""
    """Of an alert, JSON."""
    text: str = ""


async def follow(
    hub: AlertHub,
    past: AlertPast,
    wanted: AlertFilter,
    *,
    since: Cursor | None,
    heartbeat_s: float,
) -> AsyncGenerator[Sign, None]:
    """Yield alerts for ever: those since a place first, where one is given.

    Ends after `closing`.

    Raises:
        KafkaException: what was before cannot be read.
    """
    while hub.position is None:
        await asyncio.sleep(_REACHED_EVERY_S)
    if since is None:
        follower, cursor = hub.join(wanted), hub.position
        yield Sign("connected", str(cursor), text=CONNECTED)
    else:
        cursor, misses = await past.where(since)
        yield Sign("connected", str(cursor), text=CONNECTED)
        if misses:
            yield Sign("gap", str(cursor), text=GAP)
        # All there was until now; what little comes meanwhile is read again below.
        until = hub.position
        async with aclosing(_again(past, wanted, cursor, until)) as signs:
            async for sign in signs:
                yield sign
        cursor = _further(cursor, until)
        follower = hub.join(wanted)
    try:
        joined = hub.position
        async with aclosing(_again(past, wanted, cursor, joined)) as signs:
            async for sign in signs:
                yield sign
        async with aclosing(_now(hub, follower, str(joined), heartbeat_s)) as signs:
            async for sign in signs:
                yield sign
    finally:
        hub.leave(follower)


async def _again(
    past: AlertPast, wanted: AlertFilter, start: Cursor, end: Cursor
) -> AsyncGenerator[Sign, None]:
    if not start.is_behind(end):
        return
    async with aclosing(past.read(start, end)) as events:
        async for event in events:
            if wanted.accepts(event.alert):
                yield Sign("alert", event.cursor, event.value)


async def _now(
    hub: AlertHub, follower: Follower, cursor: str, heartbeat_s: float
) -> AsyncGenerator[Sign, None]:
    while True:
        # What is handed on while nobody waits here is in the queue: this place is before it.
        before = str(hub.position)
        event = await follower.next(heartbeat_s)
        if event is not None:
            cursor = event.cursor
            yield Sign("alert", cursor, event.value)
        elif follower.let_go is not None:
            yield Sign("closing", cursor, text=_CLOSING[follower.let_go])
            return
        else:
            cursor = before
            yield Sign("heartbeat", cursor)


def _further(one: Cursor, other: Cursor) -> Cursor:
    return Cursor(tuple(map(max, zip(one.offsets, other.offsets, strict=True))))
