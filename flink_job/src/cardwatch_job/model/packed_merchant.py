"""How the memory of a merchant is written to state."""

from struct import Struct
from typing import Final

from cardwatch_job.model.compromise import Judged
from cardwatch_job.model.merchant import MAX_FRAUDS, MAX_HEARD_OF_MERCHANT, MerchantMemory
from cardwatch_job.model.packed import (
    BrokenMemoryError,
    are_times,
    are_usual,
    check_length,
    check_version,
)

MERCHANT_VERSION: Final = 1
"""Raised by every change of what is packed of a merchant."""

_MERCHANT: Final = Struct("<3B5x 3q 5d")
"""Version; how many frauds and heard; `genuine_since`, `last_ms`, `heard_ms`; what fades. Behind it
frauds, heard."""
_JUDGED: Final = Struct("<3Qd")
"""Transaction, time of the payment, time of the word twice and one where it was fraud; by how many
deviations the amount was over the usual."""


def pack_merchant(merchant: MerchantMemory) -> bytes:
    """Pack a merchant's memory."""
    parts = [
        _MERCHANT.pack(
            MERCHANT_VERSION,
            len(merchant.frauds),
            len(merchant.heard),
            merchant.genuine_since,
            merchant.last_ms,
            merchant.heard_ms,
            merchant.short_known,
            merchant.short_bad,
            merchant.long_known,
            merchant.long_bad,
            merchant.explained,
        ),
        Struct(f"<{len(merchant.frauds)}q").pack(*merchant.frauds),
        *(
            _JUDGED.pack(
                name,
                told.at_ms,
                told.given_at << 1 | told.fraudulent,
                told.amount_deviations,
            )
            for name, told in merchant.heard.items()
        ),
    ]
    return b"".join(parts)


def unpack_merchant(packed: bytes) -> MerchantMemory:
    """Unpack a merchant's memory.

    Raises:
        BrokenMemoryError: it is of another version, cut off, or holds what no memory holds.
    """
    check_version(packed, "merchant", MERCHANT_VERSION, _MERCHANT.size)
    _, frauds, heard, genuine_since, last_ms, heard_ms, *numbers = _MERCHANT.unpack_from(packed)
    begins = _MERCHANT.size + 8 * frauds
    check_length(packed, "merchant", begins + heard * _JUDGED.size)
    bad = Struct(f"<{frauds}q").unpack_from(packed, _MERCHANT.size)
    told = list(_JUDGED.iter_unpack(packed[begins:]))
    if not (
        frauds <= MAX_FRAUDS
        and heard <= MAX_HEARD_OF_MERCHANT
        and are_times((genuine_since, last_ms, heard_ms, *bad, *(each[1] for each in told)))
        and are_usual((*numbers, *(each[3] for each in told)))
    ):
        raise BrokenMemoryError("broken: what a merchant's memory cannot hold")
    short_known, short_bad, long_known, long_bad, explained = numbers
    merchant = MerchantMemory(
        frauds=list(bad),
        genuine_since=genuine_since,
        last_ms=last_ms,
        short_known=short_known,
        short_bad=short_bad,
        long_known=long_known,
        long_bad=long_bad,
        explained=explained,
        heard_ms=heard_ms,
        heard={
            name: Judged(at_ms, word >> 1, bool(word & 1), deviations)
            for name, at_ms, word, deviations in told
        },
    )
    merchant.weigh()
    return merchant
