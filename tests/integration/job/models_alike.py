"""Holds the models' memories in machine code against those in Python: `... SEED`.

Prints how many vectors, how many packed memories and how many contradictions were alike.
"""

import math
import random
import sys
from typing import NamedTuple

from tests.integration.job.drawn_payments import DAY_MS, Drawn, Draws

from cardwatch_job.model.flat_habits import FlatModelUsers
from cardwatch_job.model.flat_merchants import FlatMerchants
from cardwatch_job.model.lessons import Heard, Lesson
from cardwatch_job.model.merchants import Merchants
from cardwatch_job.model.packed_merchant import pack_merchant
from cardwatch_job.model.packed_user import pack_user
from cardwatch_job.model.users import ModelUsers

_PAYMENTS = 12_000
_MOST_MERCHANTS = 30


class _Side(NamedTuple):
    """One form of all that is remembered."""

    users: ModelUsers
    merchants: Merchants


class _Comparison:
    """Does the same to both forms, and looks at both."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.draws = Draws(self.draw)
        self.plain = _Side(ModelUsers(), Merchants(most=_MOST_MERCHANTS))
        self.flat = _Side(FlatModelUsers(), FlatMerchants(most=_MOST_MERCHANTS))
        self.users: dict[str, bytes] = {}
        self.merchants: dict[str, bytes] = {}
        self.told: list[Lesson] = []
        self.began_together = True
        self.vectors = self.packed = self.changed = 0

    def pay(self, payment: Drawn) -> None:
        """Look at a payment, and learn it."""
        expected, found = (side.users.look(payment, side.merchants) for side in self._sides())
        _same("features", list(expected), list(found))
        _same("their bits", expected.tobytes(), found.tobytes())
        if not all(map(math.isfinite, found)):
            sys.exit(f"a feature is no finite number: {list(found)}")
        self.vectors += 1
        alerted = self.draw.random() < (0.9 if payment.user_id == "u0" else 0.1)
        deviations = [side.users.learn(payment, alerted=alerted) for side in self._sides()]
        _same("deviations", *deviations)
        if self.draw.random() < 0.5:
            self.told.append(self.draws.lesson(payment, deviations[0]))

    def tell(self) -> None:
        """Say something of a payment: for the first time, again, or another word."""
        lesson = self.draw.choice(self.told[-200:])
        if self.draw.random() < 0.5:
            lesson = lesson._replace(
                fraudulent=self.draw.random() < 0.5,
                given_at=lesson.given_at + self.draw.choice((-1, 0, 1, DAY_MS)),
            )
        became = [side.merchants.hear(lesson) for side in self._sides()]
        _same("what merchants heard", *became)
        self.changed += became[0] is Heard.CHANGED
        _same("what users heard", *(side.users.hear(lesson) for side in self._sides()))

    def save(self) -> None:
        """Take what changed, and hold all that is remembered against each other."""
        _same("numbers changed", *(side.users.changed for side in self._sides()))
        _same("merchants changed", *(side.merchants.changed for side in self._sides()))
        users = [side.users.take_changed() for side in self._sides()]
        merchants = [side.merchants.take_changed() for side in self._sides()]
        _same("users", *users)
        _same("merchants", *merchants)
        self.users = _brought_up_to_date(self.users, users[0])
        self.merchants = _brought_up_to_date(self.merchants, merchants[0])
        self.packed += len(users[0]) + len(merchants[0])
        _same("how many users", *(len(side.users) for side in self._sides()), len(self.users))
        _same("how many merchants", *(len(side.merchants) for side in self._sides()))

    def restart(self, *, both: bool) -> None:
        """Begin anew with what was packed; users of machine code may go on as they are."""
        self.save()
        for user_id, packed in self.users.items():
            for side in self._sides():
                user = side.users.find(user_id)
                _same(user_id, None if user is None else pack_user(user), packed)
        self.began_together = both
        # State is listed in any order.
        listed = list(self.merchants.items())
        self.draw.shuffle(listed)
        packed_merchants = dict(listed)
        self.plain = _Side(
            ModelUsers(self.users), Merchants(packed_merchants, most=_MOST_MERCHANTS)
        )
        self.flat = _Side(
            FlatModelUsers(self.users) if both else self.flat.users,
            FlatMerchants(packed_merchants, most=_MOST_MERCHANTS),
        )

    def move(self, user_id: str, now_ms: int) -> None:
        """Forget a user, or take up an older memory, or forget those who are idle."""
        kind = self.draw.random()
        if kind < 0.4:
            for side in self._sides():
                side.users.forget(user_id)
        elif kind < 0.8 and self.users:
            other = self.draw.choice(list(self.users))
            taken = [side.users.adopt(user_id, self.users[other]) for side in self._sides()]
            _same("adopted", *taken)
        elif self.began_together:
            before_ms = now_ms - self.draw.choice((0, 20 * DAY_MS))
            _same("looked", *(side.users.forget_before(before_ms) for side in self._sides()))
        _same("known", *(side.users.knows(user_id) for side in self._sides()))

    def look_at_merchant(self, merchant_id: str) -> None:
        """Hold what is remembered of a merchant against each other."""
        known = [side.merchants.find(merchant_id) for side in self._sides()]
        _same("merchant", *(None if each is None else pack_merchant(each) for each in known))

    def _sides(self) -> tuple[_Side, _Side]:
        return self.plain, self.flat


def main(seed: int) -> None:
    """Compare, and say how much was."""
    both = _Comparison(seed)
    for number in range(_PAYMENTS):
        payment = both.draws.payment(number)
        both.pay(payment)
        if both.told and both.draw.random() < 0.6:
            both.tell()
            both.look_at_merchant(payment.merchant_id)
        if both.draw.random() < 0.01:
            both.move(payment.user_id, payment.event_time)
        if number % 50 == 0:
            both.save()
        if number % 1_500 == 1_499:
            both.restart(both=number % 3_000 == 2_999)
    both.save()
    sys.stdout.write(f"{both.vectors} {both.packed} {both.changed}\n")


def _brought_up_to_date(
    kept: dict[str, bytes], changed: dict[str, bytes | None]
) -> dict[str, bytes]:
    """Do with changed memories what the operator does with its state."""
    return {key: packed for key, packed in (kept | changed).items() if packed is not None}


def _same(what: str, expected: object, *found: object) -> None:
    for each in found:
        if expected != each:
            sys.exit(f"{what} differ:\n{expected!r}\n{each!r}"[:2_000])


if __name__ == "__main__":
    main(int(sys.argv[1]))
