"""How memories of users and merchants are written to state: little-endian, without gaps.

The version comes first. What is read is checked: of what it holds no feature can become NaN or
infinite. `cardwatch_job.model.flat_habits` reads and writes the same bytes.
"""

import math
from collections.abc import Iterable
from struct import Struct
from typing import Final

from cardwatch_job.model.habits import MAX_HELD, MAX_KNOWN, Amounts, Habit, UserHabits
from cardwatch_job.model.merchant import (
    MAX_FRAUDS,
    MAX_HEARD_OF_MERCHANT,
    Judged,
    MerchantMemory,
)
from cardwatch_job.model.user import MAX_HEARD, Told, UserMemory

USER_VERSION: Final = 1
"""Raised by every change of what is packed of a user."""
MERCHANT_VERSION: Final = 1
"""Raised by every change of what is packed of a merchant."""
_HIGHEST: Final = 1e30
"""Largest number that is read."""
_LATEST_MS: Final = 2**53

_USER: Final = Struct("<5B3x 3q 8d 6d 8H")
"""Version; how many merchants, categories, held and heard; `seen`, `payments`, `last_ms`;
`counts`, `totals`, `high`, `frauds`; means and variances, place; hours. Behind it hashes of
merchants, of categories; visits of both; held, heard."""
_HELD: Final = Struct("<Qqd2Q2d")
_HEARD: Final = Struct("<3Q")
"""Transaction, time of the payment, time of the word twice and one where it was fraud."""
_MERCHANT: Final = Struct("<3B5x 3q 5d")
"""Version; how many frauds and heard; `genuine_since`, `last_ms`, `heard_ms`; what fades. Behind it
frauds, heard."""
_JUDGED: Final = Struct("<3Q")
"""As `_HEARD`; time of the word four times, two where it was explained, one where it was fraud."""
_SEEN: Final = Struct("<q")
_SEEN_AT: Final = 8
_LAST_AT: Final = 24


class BrokenMemoryError(ValueError):
    """What was to be a packed memory is none of this version; the message says why."""


def pack_user(user: UserMemory) -> bytes:
    """Pack a user's memory."""
    habits = user.habits
    visits = (habits.merchants, habits.categories)
    parts = [
        _USER.pack(
            USER_VERSION,
            *(len(visited) for visited in visits),
            len(habits.held),
            len(user.heard),
            user.seen,
            habits.payments,
            user.last_ms,
            *user.counts,
            *user.totals,
            user.high,
            user.frauds,
            habits.amounts.mean,
            habits.amounts.variance,
            habits.logarithms.mean,
            habits.logarithms.variance,
            habits.latitude,
            habits.longitude,
            *habits.hours,
        ),
        *(Struct(f"<{len(visited)}Q").pack(*visited) for visited in visits),
        *(Struct(f"<{len(visited)}H").pack(*visited.values()) for visited in visits),
        *(_HELD.pack(name, *habit) for name, habit in habits.held.items()),
        *(
            _HEARD.pack(name, told.at_ms, told.given_at << 1 | told.fraudulent)
            for name, told in user.heard.items()
        ),
    ]
    return b"".join(parts)


def unpack_user(packed: bytes) -> UserMemory:
    """Unpack a user's memory.

    Raises:
        BrokenMemoryError: it is of another version, cut off, or holds what no memory holds.
    """
    _check_version(packed, "user", USER_VERSION, _USER.size)
    _, merchants, categories, held, heard, seen, payments, last_ms, *numbers = _USER.unpack_from(
        packed
    )
    visits = Struct(f"<{merchants + categories}Q{merchants + categories}H")
    begins = _USER.size + visits.size
    ends = begins + held * _HELD.size
    _check_length(packed, "user", ends + heard * _HEARD.size)
    fading, learned, hours = numbers[:8], numbers[8:14], numbers[14:]
    visited = visits.unpack_from(packed, _USER.size)
    names, counts = visited[: merchants + categories], visited[merchants + categories :]
    waiting = list(_HELD.iter_unpack(packed[begins:ends]))
    told = list(_HEARD.iter_unpack(packed[ends:]))
    times = (last_ms, *(each[1] for each in waiting), *(each[1] for each in told))
    places = [*learned[4:], *(degrees for each in waiting for degrees in each[5:])]
    if not (
        max(merchants, categories) <= MAX_KNOWN
        and held <= MAX_HELD
        and heard <= MAX_HEARD
        and 0 < seen < _LATEST_MS
        and 0 <= payments <= seen
        and min(fading[:3]) >= 1
        and _are_times(times)
        and _are_usual((*fading, *learned, *(each[2] for each in waiting)))
        and all(abs(degrees) <= (90, 180)[place % 2] for place, degrees in enumerate(places))
    ):
        raise BrokenMemoryError("broken: what a user's memory cannot hold")
    return UserMemory(
        habits=UserHabits(
            payments=payments,
            amounts=Amounts(mean=learned[0], variance=learned[1]),
            logarithms=Amounts(mean=learned[2], variance=learned[3]),
            latitude=learned[4],
            longitude=learned[5],
            hours=hours,
            merchants=dict(zip(names[:merchants], counts[:merchants], strict=True)),
            categories=dict(zip(names[merchants:], counts[merchants:], strict=True)),
            held={name: Habit(*habit) for name, *habit in waiting},
        ),
        seen=seen,
        last_ms=last_ms,
        counts=fading[:3],
        totals=fading[3:6],
        high=fading[6],
        frauds=fading[7],
        heard={name: Told(at_ms, word >> 1, bool(word & 1)) for name, at_ms, word in told},
    )


def seen_of(packed: bytes) -> int:
    """Return how many payments a packed user knows; nothing is checked."""
    return int(_SEEN.unpack_from(packed, _SEEN_AT)[0])


def last_ms_of(packed: bytes) -> int:
    """Return the event time of a packed user's latest payment; nothing is checked."""
    return int(_SEEN.unpack_from(packed, _LAST_AT)[0])


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
                name, told.at_ms, told.given_at << 2 | told.explained << 1 | told.fraudulent
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
    _check_version(packed, "merchant", MERCHANT_VERSION, _MERCHANT.size)
    _, frauds, heard, genuine_since, last_ms, heard_ms, *numbers = _MERCHANT.unpack_from(packed)
    begins = _MERCHANT.size + 8 * frauds
    _check_length(packed, "merchant", begins + heard * _JUDGED.size)
    bad = Struct(f"<{frauds}q").unpack_from(packed, _MERCHANT.size)
    told = list(_JUDGED.iter_unpack(packed[begins:]))
    if not (
        frauds <= MAX_FRAUDS
        and heard <= MAX_HEARD_OF_MERCHANT
        and _are_times((genuine_since, last_ms, heard_ms, *bad, *(each[1] for each in told)))
        and _are_usual(numbers)
    ):
        raise BrokenMemoryError("broken: what a merchant's memory cannot hold")
    short_known, short_bad, long_known, long_bad, explained = numbers
    return MerchantMemory(
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
            name: Judged(at_ms, word >> 2, bool(word & 1), bool(word & 2))
            for name, at_ms, word in told
        },
    )


def _check_version(packed: bytes, whose: str, version: int, shortest: int) -> None:
    if packed and packed[0] != version:
        raise BrokenMemoryError(
            f"a {whose}'s memory of version {packed[0]}; this Cardwatch reads version {version}"
        )
    if len(packed) < shortest:
        raise BrokenMemoryError(f"broken: a {whose}'s memory has {shortest} bytes at least")


def _check_length(packed: bytes, whose: str, expected: int) -> None:
    if len(packed) != expected:
        raise BrokenMemoryError(
            f"broken: a {whose}'s memory of {len(packed)} bytes that should have {expected}"
        )


def _are_times(times: Iterable[int]) -> bool:
    return all(0 <= time_ms < _LATEST_MS for time_ms in times)


def _are_usual(numbers: Iterable[float]) -> bool:
    return all(math.isfinite(number) and abs(number) <= _HIGHEST for number in numbers)
