"""Latencies and rates, in bounded memory."""

import math
from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Half of the values are at most `p50`, 99 in 100 at most `p99`; None before the first."""

    p50: float | None = None
    p99: float | None = None


class Latencies:
    """Counts latencies by the whole millisecond, so a long run takes no more than a short one."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, latency_ms: float) -> None:
        """Take one latency; clocks a little apart do not make it negative."""
        self._counts[max(0, round(latency_ms))] += 1

    def __len__(self) -> int:
        return self._counts.total()

    def percentile(self, share: float) -> float | None:
        """Return the smallest latency that `share` of all do not exceed (nearest rank), in ms.

        None before the first.
        """
        rank = math.ceil(share * len(self))
        passed = 0
        for latency_ms in sorted(self._counts):
            passed += self._counts[latency_ms]
            if passed >= rank:
                return float(latency_ms)
        return None

    @property
    def percentiles(self) -> Percentiles:
        """Median and 99th percentile."""
        return Percentiles(p50=self.percentile(0.5), p99=self.percentile(0.99))


class Rate:
    """Growth of a total over the last few seconds."""

    def __init__(self, *, window_s: float = 5.0) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, now_s: float, total: int) -> None:
        """Note the total at a time of a clock that never goes back."""
        self._samples.append((now_s, total))
        while len(self._samples) > 2 and self._samples[1][0] <= now_s - self._window_s:
            self._samples.popleft()

    @property
    def per_s(self) -> float:
        """Growth a second; 0 before the second sample."""
        if len(self._samples) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0
