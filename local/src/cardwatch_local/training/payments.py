"""Payments as columns, in the order of event time, with what became known of them and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

DAY_MS: Final = 86_400_000
GENUINE: Final = 0
FRAUDULENT: Final = 1
UNKNOWN: Final = -1
_PIECE: Final = 65_536

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Texts = NDArray[Any]


class Paid(NamedTuple):
    """One payment: what the job's features read of a transaction."""

    transaction_id: str
    event_time: int
    user_id: str
    merchant_id: str
    merchant_category: str
    amount_minor: int
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    """Columns of one length. Times in milliseconds since 1970-01-01 UTC."""

    transaction_id: Texts
    event_time: Ints
    user_id: Texts
    merchant_id: Texts
    merchant_category: Texts
    amount_minor: Ints
    latitude: Floats
    longitude: Floats
    label: Ints
    """`GENUINE`, `FRAUDULENT` or `UNKNOWN`."""
    known_at: Ints
    """When the label became known; nothing where it is `UNKNOWN`."""
    card_id: Texts | None = None
    """From here on what rules read besides; None: the source has no such column."""
    currency: Texts | None = None
    pin_used: NDArray[np.bool_] | None = None
    card_limit_minor: Ints | None = None
    """0 where a payment came without a limit."""

    def __len__(self) -> int:
        """Return how many payments there are."""
        return len(self.event_time)

    def rows(self) -> Iterator[Paid]:
        """Give the payments one by one."""
        columns = [getattr(self, name) for name in Paid._fields]
        for begin in range(0, len(self), _PIECE):
            pieces = [column[begin : begin + _PIECE].tolist() for column in columns]
            yield from map(Paid._make, zip(*pieces, strict=True))

    def where(self, chosen: NDArray[Any]) -> "Payments":
        """Return the payments that are chosen, by number or by a mask, in that order."""
        columns = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Payments(
            **{name: None if each is None else each[chosen] for name, each in columns.items()}
        )

    def in_order(self) -> "Payments":
        """Return them by event time; those of one moment by id, so that files may be shuffled."""
        return self.where(np.lexsort((self.transaction_id, self.event_time)))
