"""Counts and sums of transactions in tumbling windows of event time, by bank and by category.

Sums are partial: each subtask takes what it has so far, and the partial sums of a window are
merged downstream. Amounts of different currencies are never added up.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cardwatch_contracts.stats import Dimension
from cardwatch_contracts.transaction import Transaction

WINDOW_MS: Final = 10_000
"""Length of a window, aligned to 1970-01-01 UTC. Milliseconds."""
RETAINED_MS: Final = 10 * 60_000
"""By how much of event time a newer window may be ahead of one that can still grow: two producers'
clocks may be wrong by five minutes each. Milliseconds."""
QUIET_MS: Final = 60_000
"""How long, in processing time, a window beyond that must not have grown to be closed. While a
backlog is read its partitions are far apart in event time. Milliseconds."""

_Key = tuple[int, str, str, str]
"""Start of the window, bank, merchant category, currency."""
_Rolled = tuple[int, Dimension, str, str]


class PartialSum(msgspec.Struct, frozen=True, gc=False):
    """What one subtask has seen of a window since it was last asked."""

    window_start: int
    """Event time at which the window begins. Epoch milliseconds."""
    dimension: Dimension
    name: str
    """Which bank or category; empty for the total."""
    currency: str
    count: int
    sum_minor: int
    min_minor: int
    max_minor: int


class PartialSums:
    """Adds transactions up until they are taken."""

    def __init__(self) -> None:
        self._sums: dict[_Key, list[int]] = {}

    def add(self, txn: Transaction) -> None:
        """Add a transaction to its window."""
        amount = txn.amount_minor
        start = txn.event_time - txn.event_time % WINDOW_MS
        key = (start, txn.bank_id, txn.merchant_category, txn.currency)
        sums = self._sums.get(key)
        if sums is None:
            self._sums[key] = [1, amount, amount, amount]
            return
        sums[0] += 1
        sums[1] += amount
        if amount < sums[2]:
            sums[2] = amount
        elif amount > sums[3]:
            sums[3] = amount

    def take(self) -> Iterator[PartialSum]:
        """Yield what was added since the last call, rolled up to each dimension."""
        rolled: dict[_Rolled, list[int]] = {}
        for (start, bank_id, category, currency), sums in self._sums.items():
            _merge(rolled, (start, "total", "", currency), sums)
            _merge(rolled, (start, "bank", bank_id, currency), sums)
            _merge(rolled, (start, "category", category, currency), sums)
        self._sums.clear()
        for key, (count, sum_minor, min_minor, max_minor) in rolled.items():
            yield PartialSum(*key, count, sum_minor, min_minor, max_minor)


def _merge(rolled: dict[_Rolled, list[int]], key: _Rolled, sums: list[int]) -> None:
    known = rolled.get(key)
    if known is None:
        rolled[key] = sums.copy()
        return
    known[0] += sums[0]
    known[1] += sums[1]
    known[2] = min(known[2], sums[2])
    known[3] = max(known[3], sums[3])
