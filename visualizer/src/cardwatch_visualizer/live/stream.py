"""What a browser that follows is sent: server-sent events (the WHATWG's HTML standard, 9.2)."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from cardwatch_visualizer.live.store import StoreAwayError, TickReader

_NUMBER: Final = re.compile(r"[0-9]{1,16}-[0-9]{1,10}")
_WAIT_MS: Final = 1_000
_AGAIN_S: Final = 1.0
_COME_BACK_MS: Final = 1_000


class Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sign of life."""

    age_ms: int | None
    """How old the newest tick is, by the server's clock; None: there is none."""
    why: str = ""
    """What is wrong; empty where nothing is."""


class EventStream:
    """Events for one browser, until it goes or `ended` says so.

    Args:
        reader: of ticks.
        last: the number of the last event that the browser has; None: it begins.
        ended: whether this process stops.
        heartbeat_s: how often a quiet stream gives a sign of life. Seconds.
        clock: seconds since 1970-01-01 UTC.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        reader: TickReader,
        *,
        last: str | None,
        ended: Callable[[], bool],
        heartbeat_s: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reader = reader
        self._last = last if last is not None and _NUMBER.fullmatch(last) else None
        self._ended = ended
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._sleep = sleep
        self._told_s = 0.0

    def __iter__(self) -> Iterator[bytes]:
        yield f"retry: {_COME_BACK_MS}\n\n".encode()
        while not self._ended():
            try:
                yield from self._what_is_new()
            except StoreAwayError as error:
                yield self._status(f"Valkey does not answer ({error})")
                self._sleep(_AGAIN_S)

    def _what_is_new(self) -> Iterator[bytes]:
        if self._last is None or not self._reader.has(self._last):
            snapshot = self._reader.snapshot()
            if snapshot is None:
                yield self._status("the collector has not written anything yet")
                self._sleep(_AGAIN_S)
                return
            self._last = snapshot.id
            yield self._event("snapshot", bytes(snapshot.tick))
        ticks = self._reader.after(self._last, _WAIT_MS)
        for number, tick in ticks:
            self._last = number
            yield self._event("tick", tick)
        if not ticks and self._clock() - self._told_s >= self._heartbeat_s:
            yield self._status("")

    def _event(self, kind: str, body: bytes) -> bytes:
        self._told_s = self._clock()
        return f"id: {self._last}\nevent: {kind}\ndata: ".encode() + body + b"\n\n"

    def _status(self, why: str) -> bytes:
        self._told_s = self._clock()
        age_ms = None
        if self._last is not None:
            age_ms = max(0, int(self._clock() * 1000) - int(self._last.partition("-")[0]))
        body = msgspec.json.encode(Status(age_ms=age_ms, why=why))
        return b"event: status\ndata: " + body + b"\n\n"
