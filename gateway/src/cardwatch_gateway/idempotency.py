"""Idempotency-Keys: what is sent twice under the same key is done once, and answered the same.

Each replica remembers what it answered; where there is a Valkey, they know of each other's. Where
there is none, or it is away, a repetition that reaches another replica is sent a second time: the
job judges it once all the same, since it leaves out a transaction's second copy.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import sha256
from time import monotonic
from typing import Final, NamedTuple, Protocol

import msgspec

from cardwatch_gateway.problems import ProblemError, invalid

_MAX_KEY: Final = 255
_OVERHEAD_BYTES: Final = 300


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What was answered."""

    status: int
    body: bytes


class SharedAnswers(Protocol):
    """What all replicas answered under which keys."""

    async def claim(self, name: str, fingerprint: str) -> Answer | None:
        """Return what was answered; None where nobody was, and who asks is to do it.

        Waits while another replica is at it.

        Raises:
            ProblemError: 422 where the key was used for something else.
        """

    async def keep(self, name: str, fingerprint: str, answer: Answer) -> None:
        """Keep what was answered."""

    async def release(self, name: str) -> None:
        """Forget a key whose request came to nothing."""


class _Pending(NamedTuple):
    fingerprint: str
    answer: "asyncio.Future[Answer]"


class _Kept(msgspec.Struct, frozen=True, gc=False):
    """There are many, so the garbage collector is not to look at them."""

    fingerprint: str
    until_s: float
    answer: Answer

    @property
    def size(self) -> int:
        return len(self.answer.body) + _OVERHEAD_BYTES


def other_content() -> ProblemError:
    """Return the problem of a key that was used for something else."""
    return ProblemError(
        422,
        "idempotency-key-reused",
        "Idempotency-Key: it came before with another request; expected a new one",
    )


def key_name(owner: str, key: str) -> str:
    """Return under which name a key is kept: its hash, as nobody knows what is in it.

    Raises:
        ProblemError: 422: the key is empty, too long or not printable ASCII.
    """
    if not 0 < len(key) <= _MAX_KEY or not key.isascii() or not key.isprintable():
        raise invalid(f"Idempotency-Key: 1 to {_MAX_KEY} printable ASCII characters are allowed")
    return sha256(f"{owner}\0{key}".encode()).hexdigest()


class IdempotencyKeys:
    """Remembers answers, bounded in time and bytes.

    Args:
        ttl_s: how long. Seconds.
        max_bytes: how many bytes of answers.
        shared: what the other replicas know; None: they share nothing.
        clock: seconds.
    """

    def __init__(
        self,
        *,
        ttl_s: float,
        max_bytes: int,
        shared: SharedAnswers | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._shared = shared
        self._clock = clock
        self._pending: dict[str, _Pending] = {}
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept) + len(self._pending)

    async def once(
        self, name: str, fingerprint: str, do: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Do something, or return what was answered when it was done.

        Args:
            name: of the key, by `key_name`.
            fingerprint: of the request.
            do: what is to be done; where it raises, nothing is remembered.

        Raises:
            ProblemError: 422 where the key came with another request; what `do` raises.
        """
        self._forget_old()
        known = self._pending.get(name) or self._kept.get(name)
        if known is not None and known.fingerprint != fingerprint:
            raise other_content()
        if isinstance(known, _Kept):
            return known.answer
        if known is not None:
            return await asyncio.shield(known.answer)
        pending = _Pending(fingerprint, asyncio.get_running_loop().create_future())
        self._pending[name] = pending
        try:
            answer = await self._do(name, fingerprint, do)
        except BaseException as error:
            del self._pending[name]
            # Who waits gets the same; that nobody waits is no error.
            waited_for = error if isinstance(error, Exception) else asyncio.CancelledError()
            pending.answer.set_exception(waited_for)
            pending.answer.exception()
            raise
        self._remember(name, pending, answer)
        return answer

    async def _do(self, name: str, fingerprint: str, do: Callable[[], Awaitable[Answer]]) -> Answer:
        if self._shared is None:
            return await do()
        before = await self._shared.claim(name, fingerprint)
        if before is not None:
            return before
        try:
            answer = await do()
        except BaseException:
            await self._shared.release(name)
            raise
        await self._shared.keep(name, fingerprint, answer)
        return answer

    def _remember(self, name: str, pending: _Pending, answer: Answer) -> None:
        del self._pending[name]
        pending.answer.set_result(answer)
        kept = _Kept(pending.fingerprint, self._clock() + self._ttl_s, answer)
        self._kept[name] = kept
        self._bytes += kept.size
        self._forget_old()

    def _forget_old(self) -> None:
        """Forget from the oldest on: they are kept for the same time, so they end in order."""
        now_s = self._clock()
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if now_s < oldest.until_s and self._bytes <= self._max_bytes:
                return
            self._bytes -= self._kept.popitem(last=False)[1].size
