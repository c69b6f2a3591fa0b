"""Idempotency-Keys in Valkey, where all replicas of the gateway see them."""

import asyncio
from time import monotonic, time
from typing import Final

import msgspec

from cardwatch_gateway.idempotency import Answer, other_content
from cardwatch_gateway.metrics import GatewayMetrics
from cardwatch_gateway.problems import unavailable
from cardwatch_gateway.valkey_batches import AwayError, ValkeyBatches

_PREFIX: Final = "cardwatch-gateway:idempotency:"
_LOOK_EVERY_S: Final = 0.05
_MOST_ANSWER_BYTES: Final = 256 * 1024
_COUNT_EVERY_S: Final = 0.2
_COUNT_BYTES: Final = 64 * 1024


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    fingerprint: str
    answer: Answer | None = None
    """None: a replica is at it."""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Kept).decode


class ValkeyAnswers:
    """Answers under their keys, bounded in time and bytes.

    Nothing here fails for Valkey's sake: where it does not answer, a replica goes by what it knows
    itself, and counts that.

    Args:
        url: such as `valkey://127.0.0.1:6379`.
        ttl_s: how long an answer is kept. Seconds.
        lease_s: how long a replica may be at a request before another takes it over. Seconds.
        max_bytes: how many bytes of answers are kept, about.
        metrics: what is to be counted.
    """

    def __init__(
        self, url: str, *, ttl_s: float, lease_s: float, max_bytes: int, metrics: GatewayMetrics
    ) -> None:
        self._valkey = ValkeyBatches(url)
        self._ttl_ms = round(ttl_s * 1000)
        self._lease_s = lease_s
        self._max_bytes = max_bytes
        self._metrics = metrics
        self._counted_bytes = 0
        self._counts_again_s = 0.0
        self._has_room = True

    async def claim(self, name: str, fingerprint: str) -> Answer | None:
        """Return what was answered; None where who asks is to do it.

        Raises:
            ProblemError: 422 where the key was used for something else, 503 where another replica
                is at it for too long.
        """
        mine = _encode(_Kept(fingerprint))
        deadline_s = monotonic() + self._lease_s
        try:
            while True:
                lease_ms = round(self._lease_s * 1000)
                key = _PREFIX + name
                if await self._valkey.ask("SET", key, mine, "NX", "PX", lease_ms):
                    return None
                found = await self._valkey.ask("GET", key)
                kept = _decode(found) if found else None
                if kept is not None and kept.fingerprint != fingerprint:
                    raise other_content()
                if kept is not None and kept.answer is not None:
                    return kept.answer
                if monotonic() > deadline_s:
                    raise unavailable("busy", "the same request is still being worked at")
                await asyncio.sleep(_LOOK_EVERY_S)
        except AwayError:
            self._metrics.degraded.inc()
            return None

    async def keep(self, name: str, fingerprint: str, answer: Answer) -> None:
        """Keep what was answered, while there is room."""
        kept = _encode(_Kept(fingerprint, answer))
        try:
            if len(answer.body) > _MOST_ANSWER_BYTES or not await self._find_room(len(kept)):
                await self._valkey.ask("DEL", _PREFIX + name)
                return
            await self._valkey.ask("SET", _PREFIX + name, kept, "PX", self._ttl_ms)
        except AwayError:
            self._metrics.degraded.inc()

    async def release(self, name: str) -> None:
        """Forget a key whose request came to nothing."""
        try:
            await self._valkey.ask("DEL", _PREFIX + name)
        except AwayError:
            self._metrics.degraded.inc()

    async def close(self) -> None:
        """Let go of Valkey."""
        await self._valkey.close()

    async def _find_room(self, size: int) -> bool:
        """Return whether there was room for all replicas' answers when it was last looked.

        Counts bytes by spans of time as long as answers are kept: at most two are there. The bytes
        of some answers are counted together.
        """
        self._counted_bytes += size
        if monotonic() < self._counts_again_s and self._counted_bytes < _COUNT_BYTES:
            return self._has_room
        size, self._counted_bytes = self._counted_bytes, 0
        self._counts_again_s = monotonic() + _COUNT_EVERY_S
        counter = f"{_PREFIX}bytes:{int(time() * 1000) // self._ttl_ms}"
        total = await self._valkey.ask("INCRBY", counter, size)
        if total == size:
            await self._valkey.ask("PEXPIRE", counter, 2 * self._ttl_ms)
        self._has_room = bool(total <= self._max_bytes // 2)
        return self._has_room
