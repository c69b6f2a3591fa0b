"""How fast something grows, and for how long it has stood still. Pure."""

from collections import deque
from typing import Final

_WINDOW_MS: Final = 10_000


class Pace:
    """A number that grows, over the last ten seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def note(self, total: int, at_ms: int) -> None:
        """Take how large it is. One that is smaller than before has begun anew."""
        if self._seen and (total < self._seen[-1][1] or at_ms < self._seen[-1][0]):
            self._seen.clear()
        self._seen.append((at_ms, total))
        while len(self._seen) > 2 and self._seen[1][0] <= at_ms - _WINDOW_MS:
            self._seen.popleft()

    def per_s(self) -> float | None:
        """Return by how much it grows a second; None before it was seen twice."""
        if len(self._seen) < 2:
            return None
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last - first) * 1000 / max(1, ended - began)


class Standstill:
    """How long a reader has not moved while something waits for it."""

    def __init__(self) -> None:
        self._place: int | None = None
        self._since_ms = 0

    def note(self, place: int, waiting: int, at_ms: int) -> None:
        """Take where it is, and how much waits for it."""
        if place != self._place or not waiting:
            self._place = place
            self._since_ms = at_ms

    def seconds(self, now_ms: int) -> float:
        """Return for how long. Seconds."""
        return max(0, now_ms - self._since_ms) / 1000
