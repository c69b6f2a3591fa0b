"""Idempotency-Keys in Valkey, where all replicas of the gateway see them."""

import asyncio
import logging
from collections.abc import Awaitable
from time import monotonic, time
from typing import Final, TypeVar

import msgspec
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from cardwatch_gateway.idempotency import Answer, other_content
from cardwatch_gateway.metrics import GatewayMetrics
from cardwatch_gateway.problems import unavailable

_log = logging.getLogger(__name__)

_PREFIX: Final = "cardwatch-gateway:idempotency:"
_TIMEOUT_S: Final = 0.25
"""Longest wait for one answer of Valkey. Seconds."""
_LEAVE_ALONE_S: Final = 2.0
"""How long Valkey is not asked after it did not answer. Seconds."""
_LOOK_EVERY_S: Final = 0.05
_MOST_ANSWER_BYTES: Final = 256 * 1024
_T = TypeVar("_T")


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    fingerprint: str
    answer: Answer | None = None
    """None: a replica is at it."""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Kept).decode


class _AwayError(Exception):
    """Valkey does not answer."""


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
        self._client = Valkey.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
        )
        self._ttl_ms = round(ttl_s * 1000)
        self._lease_s = lease_s
        self._max_bytes = max_bytes
        self._metrics = metrics
        self._again_s = 0.0

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
                if await self._ask(self._client.set(_PREFIX + name, mine, nx=True, px=lease_ms)):
                    return None
                found = await self._ask(self._client.get(_PREFIX + name))
                kept = _decode(found) if found else None
                if kept is not None and kept.fingerprint != fingerprint:
                    raise other_content()
                if kept is not None and kept.answer is not None:
                    return kept.answer
                if monotonic() > deadline_s:
                    raise unavailable("busy", "the same request is still being worked at")
                await asyncio.sleep(_LOOK_EVERY_S)
        except _AwayError:
            self._metrics.degraded.inc()
            return None

    async def keep(self, name: str, fingerprint: str, answer: Answer) -> None:
        """Keep what was answered, while there is room."""
        kept = _encode(_Kept(fingerprint, answer))
        try:
            if len(answer.body) > _MOST_ANSWER_BYTES or not await self._has_room(len(kept)):
                await self._ask(self._client.delete(_PREFIX + name))
                return
            await self._ask(self._client.set(_PREFIX + name, kept, px=self._ttl_ms))
        except _AwayError:
            self._metrics.degraded.inc()

    async def release(self, name: str) -> None:
        """Forget a key whose request came to nothing."""
        try:
            await self._ask(self._client.delete(_PREFIX + name))
        except _AwayError:
            self._metrics.degraded.inc()

    async def close(self) -> None:
        """Let go of Valkey."""
        await self._client.aclose()

    async def _has_room(self, size: int) -> bool:
        """Count bytes by spans of time as long as answers are kept: at most two are there."""
        counter = f"{_PREFIX}bytes:{int(time() * 1000) // self._ttl_ms}"
        total = await self._ask(self._client.incrby(counter, size))
        if total == size:
            await self._ask(self._client.pexpire(counter, 2 * self._ttl_ms))
        return bool(total <= self._max_bytes // 2)

    async def _ask(self, question: Awaitable[_T]) -> _T:
        if monotonic() < self._again_s:
            if asyncio.iscoroutine(question):
                question.close()
            raise _AwayError
        try:
            async with asyncio.timeout(2 * _TIMEOUT_S):
                return await question
        except (ValkeyError, OSError, TimeoutError) as error:
            self._again_s = monotonic() + _LEAVE_ALONE_S
            _log.warning(
                "Valkey is away, Idempotency-Keys are not shared: %s", type(error).__name__
            )
            raise _AwayError from None
