"""Payments and feedback of every odd kind, drawn at random."""

import random
from typing import Final, NamedTuple

from cardwatch_contracts.transaction import LATEST_EVENT_TIME_MS, MAX_AMOUNT_MINOR
from cardwatch_job.model.lessons import Lesson

DAY_MS: Final = 86_400_000
_BEGINS_MS: Final = 1_530_403_200_000
_EDGES: Final = (0, 1, -1, MAX_AMOUNT_MINOR, -MAX_AMOUNT_MINOR)


class Drawn(NamedTuple):
    """What a model reads of a transaction."""

    transaction_id: str
    event_time: int
    user_id: str
    merchant_id: str
    merchant_category: str
    amount_minor: int
    latitude: float
    longitude: float


class Draws:
    """Draws payments of 50 users at merchants of whom some are visited often.

    Time goes on by an hour or so and sometimes by weeks, with some payments that come late or
    twice, and a few from the ends of time.
    """

    def __init__(self, draw: random.Random) -> None:
        """Draw with `draw`."""
        self._draw = draw
        self._now_ms = _BEGINS_MS
        self._before: Drawn | None = None

    def payment(self, number: int) -> Drawn:
        """Return the payment of a number."""
        draw = self._draw
        self._now_ms += draw.choice((0, 1_000, 3_600_000, 3_600_000))
        if draw.random() < 0.004:
            self._now_ms += draw.randrange(45) * DAY_MS
        if self._before is not None and draw.random() < 0.05:
            return self._before._replace(amount_minor=draw.randrange(10_000))
        self._before = self._drawn(number)
        return self._before

    def _drawn(self, number: int) -> Drawn:
        draw = self._draw
        user = draw.randrange(50)
        merchant = draw.choice((draw.randrange(8), draw.randrange(70), draw.randrange(5_000)))
        return Drawn(
            f"t{number}",
            self._time(),
            f"u{user}" + "é漢🙂"[: user % 4],
            f"m{merchant}" + "ß" * (merchant % 2),
            f"c{draw.choice((draw.randrange(4), draw.randrange(60)))}",
            self._amount(user),
            draw.choice((48.0 + draw.gauss(0, 0.1), 90.0, -90.0, 0.0, draw.uniform(-90, 90))),
            draw.choice((2.0 + draw.gauss(0, 0.1), 180.0, -180.0, draw.uniform(-180, 180))),
        )

    def lesson(self, payment: Drawn, amount_deviations: float) -> Lesson:
        """Return a word on a payment."""
        return Lesson(
            payment.user_id if self._draw.random() < 0.95 else "nobody",
            payment.transaction_id,
            payment.merchant_id if self._draw.random() < 0.5 else "m1ß",
            payment.event_time,
            self._draw.random() < 0.3,
            amount_deviations,
            payment.event_time + self._draw.randrange(7 * DAY_MS),
        )

    def _time(self) -> int:
        kind = self._draw.random()
        if kind < 0.1:
            return self._now_ms - self._draw.randrange(10 * DAY_MS)
        if kind < 0.1005:
            return self._draw.choice((0, LATEST_EVENT_TIME_MS - 1))
        return self._now_ms

    def _amount(self, user: int) -> int:
        if self._draw.random() < 0.02:
            return self._draw.choice(_EDGES)
        return round(self._draw.gauss(1_000 + 100 * user, 300) * self._draw.choice((1, 1, 1, 1, 8)))
