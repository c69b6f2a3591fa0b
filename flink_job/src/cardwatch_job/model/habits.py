"""What is usual for a user: amounts, hours, places, merchants. Pure, in event time, bounded.

What a user does is told apart from what is usual: payments are counted whatever becomes of them,
while a payment that raised an alert changes no habit until somebody says that it was genuine.
"""

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from cardwatch_job.model.decayed import DAY_MS
from cardwatch_job.model.names import hash_of

FADING_PAYMENTS: Final = 100.0
"""Payments that a mean stands on at most: after so many more, one weighs a third."""
MAX_HELD: Final = 16
"""Payments of a user that wait for an analyst's word; the oldest is given up first."""
MAX_KNOWN: Final = 32
"""Merchants and categories remembered of a user; the one unseen longest goes first."""
MAX_VISITS: Final = 65_535
"""Visits of a merchant or category are counted up to here."""
HOUR_BINS: Final = 8
MIN_PAYMENTS: Final = 3
"""Payments before anything counts as usual."""
_WIDEST_DEVIATIONS: Final = 4.0
"""Where an amount is cut off when it is learned, so that one payment does not make a habit."""
_LEAST_SPREAD: Final = 0.1
"""Smallest deviation that is believed, as a share of the mean amount."""
_HALVED_EVERY: Final = 256


class Payment(Protocol):
    """What is read of a transaction; `cardwatch_contracts.transaction.Transaction` has it all."""

    @property
    def transaction_id(self) -> str:
        """Unique."""

    @property
    def event_time(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""

    @property
    def user_id(self) -> str:
        """Who pays."""

    @property
    def merchant_id(self) -> str:
        """Who is paid."""

    @property
    def merchant_category(self) -> str:
        """The merchant's trade."""

    @property
    def amount_minor(self) -> int:
        """Minor units of the currency."""

    @property
    def latitude(self) -> float:
        """Degrees north."""

    @property
    def longitude(self) -> float:
        """Degrees east."""


class Habit(NamedTuple):
    """What a payment says of its user's habits."""

    at_ms: int
    amount: float
    """In hundreds of minor units."""
    merchant: int
    """The hash of its name, as that of the category."""
    category: int
    latitude: float
    longitude: float


def habit_of(payment: Payment) -> Habit:
    """Return what a payment would teach."""
    return Habit(
        payment.event_time,
        payment.amount_minor / 100,
        hash_of(payment.merchant_id),
        hash_of(payment.merchant_category),
        payment.latitude,
        payment.longitude,
    )


def hour_bin(at_ms: int) -> int:
    """Return the part of the day, of `HOUR_BINS` (UTC)."""
    return at_ms % DAY_MS // (DAY_MS // HOUR_BINS)


@dataclass(slots=True)
class Amounts:
    """A fading mean and variance of amounts (Finch 2009, incremental exponential weights)."""

    mean: float = 0.0
    variance: float = 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation; never less than a share of the mean."""
        spread = math.sqrt(self.variance) if self.variance > 0 else 0.0
        return max(spread, _LEAST_SPREAD * abs(self.mean), 0.01)

    def deviations(self, amount: float) -> float:
        """Return by how many standard deviations an amount is over the mean."""
        return (amount - self.mean) / self.deviation

    def learn(self, amount: float, weight: float, *, known: bool) -> None:
        """Take in an amount; once something is `known`, not more of it than is believable.

        `weight`: how many amounts the mean stands on, this one among them.
        """
        if known:
            edge = _WIDEST_DEVIATIONS * self.deviation
            amount = min(max(amount, self.mean - edge), self.mean + edge)
        delta = amount - self.mean
        self.mean += delta / weight
        self.variance += (delta * (amount - self.mean) - self.variance) / weight


@dataclass(slots=True)
class UserHabits:
    """What is usual for one user."""

    payments: int = 0
    """How many taught something."""
    amounts: Amounts = field(default_factory=Amounts)
    logarithms: Amounts = field(default_factory=Amounts)
    """Of the amounts, which are spread evenly there."""
    latitude: float = 0.0
    """Of the usual place."""
    longitude: float = 0.0
    hours: list[int] = field(default_factory=lambda: [0] * HOUR_BINS)
    """Counts by part of the day; all are halved when there are many."""
    merchants: dict[int, int] = field(default_factory=dict)
    """Visits by merchant, the latest visited last."""
    categories: dict[int, int] = field(default_factory=dict)
    held: dict[int, Habit] = field(default_factory=dict)
    """Payments that raised an alert, by the hash of their transaction, the latest last."""

    def hold(self, transaction: int, habit: Habit) -> None:
        """Let a payment wait for an analyst's word."""
        if transaction not in self.held and len(self.held) >= MAX_HELD:
            del self.held[next(iter(self.held))]
        self.held[transaction] = habit

    def settle(self, transaction: int, *, genuine: bool) -> None:
        """Learn what was held if it was genuine, else forget it."""
        habit = self.held.pop(transaction, None)
        if habit is not None and genuine:
            self.learn(habit)

    def learn(self, habit: Habit) -> None:
        """Take in a payment that nobody objects to."""
        known = self.payments >= MIN_PAYMENTS
        self.payments += 1
        weight = min(float(self.payments), FADING_PAYMENTS)
        self.amounts.learn(habit.amount, weight, known=known)
        self.logarithms.learn(math.log1p(max(habit.amount, 0.0)), weight, known=known)
        self.latitude += (habit.latitude - self.latitude) / weight
        self.longitude += (habit.longitude - self.longitude) / weight
        self.hours[hour_bin(habit.at_ms)] += 1
        if self.payments % _HALVED_EVERY == 0:
            self.hours = [count // 2 for count in self.hours]
        _visit(self.merchants, habit.merchant)
        _visit(self.categories, habit.category)

    def deviations(self, amount: float) -> float:
        """Return by how many standard deviations an amount is over the mean; 0 for a new user."""
        return 0.0 if self.payments < MIN_PAYMENTS else self.amounts.deviations(amount)

    def hour_share(self, at_ms: int) -> float:
        """Return the share of payments in this part of the day; 1 in `HOUR_BINS` for a new user."""
        return (self.hours[hour_bin(at_ms)] + 1.0) / (sum(self.hours) + HOUR_BINS)

    def category_share(self, category: int) -> float:
        """Return the share of payments in this trade; 1 for a new user."""
        return (self.categories.get(category, 0) + 1.0) / (sum(self.categories.values()) + 1.0)

    def usual_place(self) -> tuple[float, float] | None:
        """Return the mean latitude and longitude; None while too little is known."""
        return None if self.payments < MIN_PAYMENTS else (self.latitude, self.longitude)


def _visit(visits: dict[int, int], name: int) -> None:
    """Count a visit, and make it the latest."""
    count = min(visits.pop(name, 0) + 1, MAX_VISITS)
    if len(visits) >= MAX_KNOWN:
        del visits[next(iter(visits))]
    visits[name] = count
