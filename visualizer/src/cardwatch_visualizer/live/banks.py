"""Transactions a second by bank, from the windows of ten seconds. Pure."""

from typing import Final

from cardwatch_contracts.stats import TransactionStats
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.live.shapes import Bank

_MOST_BANKS: Final = 50


class BankRates:
    """Counts of the two newest windows: the newest is still growing, so the one before is told."""

    def __init__(self) -> None:
        self._windows: dict[int, dict[tuple[str, str], int]] = {}
        self._length_s = 10.0
        self.changed = False
        """Whether something has come since `rates` was asked."""

    def put(self, stats: TransactionStats) -> None:
        """Take a window's sums so far; those of one bank and currency replace the ones before."""
        if stats.dimension != "bank":
            return
        start = stats.window_start
        if start not in self._windows:
            if len(self._windows) == 2 and start < min(self._windows):
                return
            self._windows[start] = {}
            if len(self._windows) > 2:
                del self._windows[min(self._windows)]
        window = self._windows[start]
        key = (stats.name, stats.currency)
        if key in window or len(window) < _MOST_BANKS:
            window[key] = stats.count
        self._length_s = max(0.001, (stats.window_end - start) / 1000)
        self.changed = True

    def rates(self) -> list[Bank]:
        """Return the banks, busiest first."""
        self.changed = False
        if not self._windows:
            return []
        counts: dict[str, int] = {}
        for (name, _), count in self._windows[min(self._windows)].items():
            counts[name] = counts.get(name, 0) + count
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return [
            Bank(name=shown(name), per_s=round(count / self._length_s, 1))
            for name, count in ordered
        ]
