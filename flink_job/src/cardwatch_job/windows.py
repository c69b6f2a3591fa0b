"""Counts and sums of transactions in tumbling windows of event time, by bank and by category.

Sums are partial: each subtask takes what it has so far, and the partial sums of a window are
merged downstream. Amounts of different currencies are never added up.
"""

from collections.abc import Iterator
from struct import Struct
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

_INT: Final = Struct(">i")
_NUMBERS: Final = Struct(">5q")
NO_SUMS: Final = _INT.pack(0)
"""What `take_written` returns where there are none."""
_Key = tuple[int, Dimension, str, str]
"""Start of the window, what is summed up, its name, currency."""


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


class PartialSums:
    """Adds transactions up until they are taken."""

    def __init__(self) -> None:
        self._sums: dict[_Key, Sums] = {}

    def add(self, txn: Transaction) -> None:
        """Add a transaction to its windows: in total, of its bank and of its category."""
        start = txn.event_time - txn.event_time % WINDOW_MS
        self._of(start, "total", "", txn.currency).add(txn.amount_minor)
        self._of(start, "bank", txn.bank_id, txn.currency).add(txn.amount_minor)
        self._of(start, "category", txn.merchant_category, txn.currency).add(txn.amount_minor)

    def _of(self, start: int, dimension: Dimension, name: str, currency: str) -> Sums:
        key = (start, dimension, name, currency)
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = Sums()
        return sums

    def take(self) -> list[PartialSum]:
        """Return what was added since the last call."""
        taken = [
            PartialSum(*key, sums.count, sums.sum_minor, sums.min_minor, sums.max_minor)
            for key, sums in self._sums.items()
        ]
        self._sums.clear()
        return taken

    def take_written(self) -> bytes:
        """Return the same as `ScoreBatches.java` reads it; `batches.py` has the layout."""
        taken = self.take()
        parts = [part for partial in taken for part in _parts_of(partial)]
        return b"".join((_INT.pack(len(taken)), *parts))


def _parts_of(partial: PartialSum) -> Iterator[bytes]:
    yield _NUMBERS.pack(
        partial.window_start,
        partial.count,
        partial.sum_minor,
        partial.min_minor,
        partial.max_minor,
    )
    for text in (partial.dimension, partial.name, partial.currency):
        encoded = text.encode()
        yield _INT.pack(len(encoded))
        yield encoded
