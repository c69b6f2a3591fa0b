"""How the memory of a user is written to state."""

from struct import Struct
from typing import Final

from cardwatch_job.model.habits import MAX_HELD, MAX_KNOWN, Amounts, Habit, UserHabits
from cardwatch_job.model.packed import (
    LATEST_MS,
    BrokenMemoryError,
    are_times,
    are_usual,
    check_length,
    check_version,
)
from cardwatch_job.model.theft import MOST_ODDS
from cardwatch_job.model.user import MAX_HEARD, Told, UserMemory

USER_VERSION: Final = 1
"""Raised by every change of what is packed of a user."""

_USER: Final = Struct("<5B3x 3q 9d 6d 8H")
"""Version; how many merchants, categories, held and heard; `seen`, `payments`, `last_ms`;
`counts`, `totals`, `high`, `frauds`, `stolen`; means and variances, place; hours. Behind it
hashes of merchants, of categories; visits of both; held, heard."""
_HELD: Final = Struct("<Qqd2Q2d")
_HEARD: Final = Struct("<3Q")
"""Transaction, time of the payment, time of the word twice and one where it was fraud."""
_SEEN: Final = Struct("<q")
_SEEN_AT: Final = 8
_LAST_AT: Final = 24


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
            user.stolen,
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
    check_version(packed, "user", USER_VERSION, _USER.size)
    _, merchants, categories, held, heard, seen, payments, last_ms, *numbers = _USER.unpack_from(
        packed
    )
    visits = Struct(f"<{merchants + categories}Q{merchants + categories}H")
    begins = _USER.size + visits.size
    ends = begins + held * _HELD.size
    check_length(packed, "user", ends + heard * _HEARD.size)
    fading, learned, hours = numbers[:9], numbers[9:15], numbers[15:]
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
        and 0 < seen < LATEST_MS
        and 0 <= payments <= seen
        and min(fading[:3]) >= 1
        and 0 <= fading[8] <= MOST_ODDS
        and are_times(times)
        and are_usual((*fading, *learned, *(each[2] for each in waiting)))
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
        stolen=fading[8],
        heard={name: Told(at_ms, word >> 1, bool(word & 1)) for name, at_ms, word in told},
    )


def seen_of(packed: bytes) -> int:
    """Return how many payments a packed user knows; nothing is checked."""
    return int(_SEEN.unpack_from(packed, _SEEN_AT)[0])


def last_ms_of(packed: bytes) -> int:
    """Return the event time of a packed user's latest payment; nothing is checked."""
    return int(_SEEN.unpack_from(packed, _LAST_AT)[0])
