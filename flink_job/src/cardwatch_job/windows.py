"""Counts and sums of transactions in tumbling windows of event time, by bank and by category.

Sums are partial: each subtask takes what it has so far, and the partial sums of a window are
merged downstream. Amounts of different currencies are never added up.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cardwatch_contracts.stats import Dimension
from cardwatch_contracts.transaction import MAX_AMOUNT_MINOR, Transaction

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


class Sums:
    """Number, sum, smallest and largest of some amounts."""

    def __init__(self) -> None:
        self.count = 0
        self.sum_minor = 0
        self.min_minor = MAX_AMOUNT_MINOR
        self.max_minor = -MAX_AMOUNT_MINOR

    def add(self, amount_minor: int) -> None:
        """Take in one amount."""
        self.count += 1
        self.sum_minor += amount_minor
        self.min_minor = min(self.min_minor, amount_minor)
        self.max_minor = max(self.max_minor, amount_minor)

    def merge(self, other: "Sums") -> None:
        """Take in what another has."""
        self.count += other.count
        self.sum_minor += other.sum_minor
        self.min_minor = min(self.min_minor, other.min_minor)
        self.max_minor = max(self.max_minor, other.max_minor)


class PartialSums:
    """Adds transactions up until they are taken."""

    def __init__(self) -> None:
        self._sums: dict[_Key, Sums] = {}
        self.takes = 0
        """How often they were taken: sums from before are no longer in use."""

    def add(self, txn: Transaction) -> None:
        """Add a transaction to its window."""
        start = txn.event_time - txn.event_time % WINDOW_MS
        sums = self.of(start, txn.bank_id, txn.merchant_category, txn.currency)
        sums.add(txn.amount_minor)

    def of(self, start: int, bank_id: str, category: str, currency: str) -> Sums:
        """Return the sums of a window, in use until the next `take`."""
        key = (start, bank_id, category, currency)
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = Sums()
        return sums

    def take(self) -> Iterator[PartialSum]:
        """Yield what was added since the last call, rolled up to each dimension."""
        rolled: dict[_Rolled, Sums] = {}
        for (start, bank_id, category, currency), sums in self._sums.items():
            rolled.setdefault((start, "total", "", currency), Sums()).merge(sums)
            rolled.setdefault((start, "bank", bank_id, currency), Sums()).merge(sums)
            rolled.setdefault((start, "category", category, currency), Sums()).merge(sums)
        self._sums.clear()
        self.takes += 1
        for key, sums in rolled.items():
            yield PartialSum(*key, sums.count, sums.sum_minor, sums.min_minor, sums.max_minor)
