"""Ticks in Valkey: written by one collector, read by every worker."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec
from valkey import Valkey
from valkey.exceptions import ValkeyError

from cardwatch_visualizer.live.shapes import Tick, decode_tick, encode_tick

_TICKS: Final = "visualizer:ticks"
_SNAPSHOT: Final = "visualizer:snapshot"
_LEASE: Final = "visualizer:collector"
_FIELD: Final = b"tick"
_MOST_TICKS: Final = 600
"""Five minutes of ticks: a browser that was away for longer gets a snapshot instead."""
_KEEP_S: Final = 3_600
"""How long what happened is kept after the last collector has ended. Seconds."""
LEASE_MS: Final = 5_000
_TIMEOUT_S: Final = 2.0
_MOST_READ: Final = 20
_RENEW: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class StoreAwayError(Exception):
    """Valkey does not answer."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All there is, and the tick that it includes."""

    id: str
    """Of the tick."""
    tick: msgspec.Raw
    """JSON."""


def valkey_client(url: str, *, most_connections: int = 64) -> Valkey:
    """Return a client that never waits for long."""
    client: Valkey = Valkey.from_url(
        url,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        max_connections=most_connections,
    )
    return client


class TickWriter:
    """Writes ticks, as long as nobody else does.

    Args:
        client: of Valkey.
    """

    def __init__(self, client: Valkey) -> None:
        self._client = client
        self._me = uuid4().hex
        self._last_ms = 0

    def lead(self) -> bool:
        """Return whether this one is the writer: it was, or nobody is.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        try:
            return bool(self._client.eval(_RENEW, 1, _LEASE, self._me, str(LEASE_MS)))
        except (ValkeyError, OSError) as error:
            raise StoreAwayError(type(error).__name__) from None

    def release(self) -> None:
        """Let somebody else write."""
        try:
            self._client.eval(_RELEASE, 1, _LEASE, self._me)
        except (ValkeyError, OSError):
            return

    def write(self, tick: Tick, snapshot: Tick | None) -> None:
        """Write a tick and, from time to time, all there is.

        Raises:
            StoreAwayError: Valkey does not answer; the tick is lost.
        """
        # Behind whatever another collector wrote, should this machine's clock be late.
        self._last_ms = max(tick.at, self._last_ms + 1)
        try:
            self._last_ms = max(self._last_ms, self._newest_ms() + 1)
            number = f"{self._last_ms}-0"
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.xadd(_TICKS, {_FIELD: encode_tick(tick)}, id=number, maxlen=_MOST_TICKS)
                pipeline.expire(_TICKS, _KEEP_S)
                if snapshot is not None:
                    kept = Snapshot(id=number, tick=msgspec.Raw(encode_tick(snapshot)))
                    pipeline.set(_SNAPSHOT, msgspec.json.encode(kept), ex=_KEEP_S)
                pipeline.execute()  # type: ignore[no-untyped-call] # untyped in the client
        except (ValkeyError, OSError) as error:
            raise StoreAwayError(type(error).__name__) from None

    def _newest_ms(self) -> int:
        newest: Any = self._client.xrevrange(_TICKS, count=1)
        return _milliseconds(newest[0][0]) if newest else 0


class TickReader:
    """Reads what a collector wrote.

    Args:
        client: of Valkey.
    """

    def __init__(self, client: Valkey) -> None:
        self._client = client

    def snapshot(self) -> Snapshot | None:
        """Return all there is; None where no collector has written lately.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        try:
            value: Any = self._client.get(_SNAPSHOT)
        except (ValkeyError, OSError) as error:
            raise StoreAwayError(type(error).__name__) from None
        try:
            return None if value is None else msgspec.json.decode(value, type=Snapshot)
        except msgspec.MsgspecError:
            return None  # of another version: its collector is about to be replaced

    def board(self) -> Tick | None:
        """Return the snapshot's content; None where there is none that can be read.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        found = self.snapshot()
        try:
            return None if found is None else decode_tick(bytes(found.tick))
        except msgspec.MsgspecError:
            return None

    def has(self, number: str) -> bool:
        """Return whether the ticks after one are all there still.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        try:
            found: Any = self._client.xrange(_TICKS, number, number, count=1)
        except (ValkeyError, OSError) as error:
            raise StoreAwayError(type(error).__name__) from None
        return bool(found)

    def after(self, number: str, wait_ms: int) -> Sequence[tuple[str, bytes]]:
        """Return the ticks after one, with their numbers; waits for one where there is none.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        try:
            found: Any = self._client.xread({_TICKS: number}, count=_MOST_READ, block=wait_ms)
        except (ValkeyError, OSError) as error:
            raise StoreAwayError(type(error).__name__) from None
        entries = found[0][1] if found else []
        return [(entry.decode(), fields[_FIELD]) for entry, fields in entries]


def _milliseconds(number: bytes) -> int:
    return int(number.partition(b"-")[0])
