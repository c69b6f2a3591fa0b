"""Holds the memories in machine code against those in Python, and prints what differs.

A program of its own: they are there only where the compiled job comes first in the path.
"""

import random
import sys
from dataclasses import replace

from cardwatch_job.detectors.history import CardState, UserState, encode_user
from cardwatch_job.detectors.stored import HeldTransaction
from cardwatch_job.flat_users import FlatUsers
from cardwatch_job.users import UsersOfBucket

_ROUNDS = 6_000
_DAY_MS = 86_400_000
_USERS = 700
_NUMBERS = (0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**62)


def _text(draw: random.Random) -> str:
    length = draw.choice((1, 7, 8, 9, 31, 32, 36, 128, 300))
    return "".join(draw.choice("0aZ-ßé漢🙂") for _ in range(length))[:length]


def _card(draw: random.Random, now_ms: int) -> CardState:
    times = [now_ms - draw.randrange(10**7) for _ in range(draw.choice((0, 1, 3, 50)))]
    return CardState(
        transactions=draw.choice((0, *_NUMBERS)),
        amounts=draw.choice(_NUMBERS),
        amount_sum_minor=draw.choice(_NUMBERS),
        last_event_time=now_ms - draw.randrange(3 * _DAY_MS),
        last_latitude=draw.uniform(-90, 90),
        last_longitude=draw.choice((0.0, -180.0, 1e-300)),
        latitude_sum=draw.uniform(-1e9, 1e9),
        longitude_sum=0.1 + 0.2,
        limit_minor=draw.choice((None, None, *_NUMBERS, -1, -32, -33, -129, -40_000, -(2**40))),
        near_limit_times=tuple(sorted(times)),
        no_pin_times=tuple(sorted(times[:2])),
    )


def _held(draw: random.Random, now_ms: int) -> HeldTransaction:
    return HeldTransaction(now_ms, _text(draw), b"{}", now_ms, None)


def _change(draw: random.Random, user: UserState, now_ms: int) -> None:
    """Change a memory in one of the ways in which the judge does."""
    kind = draw.random()
    if kind < 0.6 or not user.cards:
        user.cards[_text(draw)] = _card(draw, now_ms)
    elif kind < 0.7:
        card_id = draw.choice(list(user.cards))
        user.cards[card_id] = replace(user.cards[card_id], transactions=draw.choice(_NUMBERS))
    elif kind < 0.8:
        del user.cards[draw.choice(list(user.cards))]
    elif kind < 0.85:
        user.cards.clear()
    elif kind < 0.9:
        user.held = () if user.held else (_held(draw, now_ms),)
    for _ in range(draw.choice((0, 1, 1, 2, 64))):
        user.remember_id(_text(draw), now_ms - draw.randrange(20 * 60_000))


def main(seed: int) -> None:
    """Do the same to both, and look at both."""
    draw = random.Random(seed)
    now_ms = 1_700_000_000_000
    names = [_text(draw) + str(number) for number in range(_USERS)]
    sides = (UsersOfBucket({}), FlatUsers({}))
    kept: dict[str, bytes] = {}
    forgotten = 0
    for turn in range(_ROUNDS):
        now_ms += draw.randrange(60_000)
        name = draw.choice(names)
        state = draw.getstate()
        for users in sides:
            draw.setstate(state)
            user = users.load(name)
            _change(draw, user, now_ms)
            users.store(name, user)
        if turn % 7 == 0:
            before_ms = now_ms - 2 * _DAY_MS
            _same("looked", *(users.forget_before(before_ms) for users in sides))
        if turn % 50 == 0:
            _same("number", *(users.changed for users in sides))
            changed = [users.take_changed() for users in sides]
            _same("changed", *changed)
            forgotten += sum(packed is None for packed in changed[0].values())
            kept = _brought_up_to_date(kept, changed[0])
            for user_id in names:
                _same(user_id, *(encode_user(users.load(user_id)) for users in sides))
        if turn % 1_000 == 999:
            kept = _brought_up_to_date(kept, sides[0].take_changed())
            sides = (UsersOfBucket(kept, waits=True), FlatUsers(kept, waits=True))
            _same("waiting", *(sorted(users.room.due(2**62)) for users in sides))
            _same("all", *(len(users) for users in sides))
    print(len(kept), forgotten)


def _brought_up_to_date(
    kept: dict[str, bytes], changed: dict[str, bytes | None]
) -> dict[str, bytes]:
    """Do with changed memories what the operator does with its state."""
    return {user_id: packed for user_id, packed in (kept | changed).items() if packed is not None}


def _same(what: str, expected: object, found: object) -> None:
    if expected != found:
        sys.exit(f"{what} differs:\n{expected!r}\n{found!r}"[:2_000])


if __name__ == "__main__":
    main(int(sys.argv[1]))
