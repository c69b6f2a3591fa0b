"""Counts of the last minutes, bounded in keys and in time. Pure."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)


class WindowedCounts(Generic[_K]):
    """How often each key came within the last minutes.

    Args:
        buckets: how many pieces of time are remembered.
        bucket_ms: how long each is. Milliseconds.
        most_keys: how many keys each may have; further ones are not counted.
    """

    def __init__(self, *, buckets: int, bucket_ms: int, most_keys: int) -> None:
        self._buckets = buckets
        self._bucket_ms = bucket_ms
        self._most_keys = most_keys
        self._pieces: deque[tuple[int, Counter[_K]]] = deque()
        self._sum: Counter[_K] = Counter()

    def __len__(self) -> int:
        return len(self._sum)

    def add(self, key: _K, at_ms: int) -> None:
        """Count a key, by when it came; what comes late counts for the newest piece of time."""
        number = at_ms // self._bucket_ms
        if not self._pieces or number > self._pieces[-1][0]:
            self._pieces.append((number, Counter()))
        piece = self._pieces[-1][1]
        if key in piece or len(piece) < self._most_keys:
            piece[key] += 1
            self._sum[key] += 1

    def forget_before(self, now_ms: int) -> None:
        """Forget what is too old."""
        oldest = now_ms // self._bucket_ms - self._buckets + 1
        while self._pieces and self._pieces[0][0] < oldest:
            _, piece = self._pieces.popleft()
            self._sum.subtract(piece)
            for key in piece:
                if self._sum[key] <= 0:
                    del self._sum[key]

    def drop(self, key: _K) -> None:
        """Forget a key."""
        for _, piece in self._pieces:
            piece.pop(key, None)
        self._sum.pop(key, None)

    def top(self, count: int) -> list[tuple[_K, int]]:
        """Return the most frequent keys, each with its count."""
        return self._sum.most_common(count)


_V = TypeVar("_V")


class Latest(Generic[_K, _V]):
    """The latest value of each key, of the keys that came last.

    Args:
        most: how many keys.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[_K, _V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def put(self, key: _K, value: _V) -> None:
        """Remember a value."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def drop(self, wanted: Callable[[_V], bool]) -> list[_K]:
        """Forget the values that are wanted gone; return their keys."""
        keys = [key for key, value in self._values.items() if wanted(value)]
        for key in keys:
            del self._values[key]
        return keys

    def get(self, key: _K) -> _V | None:
        """Return the value; None where it was forgotten."""
        return self._values.get(key)
