"""How much each key may ask for: a bucket of tokens that fills at the key's rate. Pure."""

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import Final

from cardwatch_gateway.keys import ApiKey

_BURST_S: Final = 1.0
"""A bucket holds what comes in so long. Seconds."""


class Bucket:
    """Tokens of one key.

    A request is let in while there is a token left, and then takes as many as it has transactions:
    a large batch is let in too, and who sent it waits longer for the next.
    """

    __slots__ = ("_at_s", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, now_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._tokens = self._most
        self._at_s = now_s

    @property
    def _most(self) -> float:
        return max(1.0, self._rate_per_s * _BURST_S)

    def wait_s(self, now_s: float) -> float:
        """Return how long until a request is let in: 0 where it is."""
        passed_s, self._at_s = max(0.0, now_s - self._at_s), now_s
        self._tokens = min(self._most, self._tokens + passed_s * self._rate_per_s)
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate_per_s

    def take(self, count: int) -> None:
        """Take tokens, more than there are if need be."""
        self._tokens -= count


class Rates:
    """The buckets of all keys."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, Bucket]] = {}

    def admit(self, key: ApiKey) -> int:
        """Take one token; return 0, or after how many seconds there is one."""
        wait_s = self._bucket(key).wait_s(self._clock())
        if wait_s > 0:
            return ceil(wait_s)
        self._bucket(key).take(1)
        return 0

    def charge(self, key: ApiKey, count: int) -> None:
        """Take more tokens for a request that was let in."""
        if count > 0:
            self._bucket(key).take(count)

    def _bucket(self, key: ApiKey) -> Bucket:
        # A key whose rate was changed in the file gets a new bucket; there are as many as keys.
        found = self._buckets.get(key.id)
        if found is None or found[0] != key.rate_per_s:
            found = (key.rate_per_s, Bucket(key.rate_per_s, self._clock()))
            self._buckets[key.id] = found
        return found[1]
