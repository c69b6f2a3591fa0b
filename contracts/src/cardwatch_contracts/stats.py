"""Counts and sums of a window, on the topic `transaction-stats`."""

from typing import Final, Literal

import msgspec

from cardwatch_contracts.codec import decode
from cardwatch_contracts.transaction import Currency, EventTimeMs

Dimension = Literal["total", "bank", "category"]


class TransactionStats(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one window so far. A later record of the same window replaces it."""

    window_start: EventTimeMs
    """Event time at which the window begins. Milliseconds since 1970-01-01 UTC."""
    window_end: EventTimeMs
    """Event time at which it ends, exclusive."""
    dimension: Dimension
    name: str
    """Which bank or merchant category; empty for the total."""
    currency: Currency
    """Amounts of different currencies are never added up."""
    count: int
    sum_minor: int
    min_minor: int
    max_minor: int
    average_minor: float


_decoder: Final = msgspec.json.Decoder(TransactionStats)


def decode_stats(value: bytes | None) -> TransactionStats:
    """Decode one record of `transaction-stats`.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    return decode(_decoder, value)
