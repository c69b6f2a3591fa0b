"""How long alerts take: percentiles of the last seconds from bounded histograms. Pure."""

from collections import Counter, deque
from math import ceil, log
from typing import Final

_GROWTH: Final = 1.1
"""Each class of durations is a tenth wider than the one before: that is the error, too."""
_LARGEST: Final = 200
"""Classes: the last begins at three days."""


class LatencyWindow:
    """Durations of the last seconds.

    Args:
        seconds: how many are remembered.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._pieces: deque[tuple[int, Counter[int]]] = deque()

    def add(self, duration_ms: float, at_s: int) -> None:
        """Note a duration, by the second in which it ended."""
        if not self._pieces or at_s > self._pieces[-1][0]:
            self._pieces.append((at_s, Counter()))
        self._pieces[-1][1][_class_of(duration_ms)] += 1

    def percentiles(self, now_s: int, shares: tuple[float, ...]) -> list[float | None]:
        """Return the durations, ms, below which these shares of all are; None where there are none.

        The upper end of a class is given: a duration is at most a tenth less.
        """
        while self._pieces and self._pieces[0][0] <= now_s - self._seconds:
            self._pieces.popleft()
        counts: Counter[int] = Counter()
        for _, piece in self._pieces:
            counts.update(piece)
        total = counts.total()
        if not total:
            return [None] * len(shares)
        ordered = sorted(counts.items())
        return [_at(ordered, ceil(share * total)) for share in shares]


def _at(ordered: list[tuple[int, int]], rank: int) -> float:
    passed = 0
    for number, count in ordered:
        passed += count
        if passed >= rank:
            return round(_GROWTH**number, 1)
    raise AssertionError("a rank is at most the number of durations")


def _class_of(duration_ms: float) -> int:
    return min(_LARGEST, max(0, ceil(log(max(duration_ms, 1.0), _GROWTH))))
