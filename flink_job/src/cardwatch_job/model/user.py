"""What is remembered of one user: habits, recent activity, and what analysts said lately.

A user knows no payment again, only those held until somebody judges them, and the latest feedbacks:
a feedback brings all that is learned from it.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cardwatch_job.model.decayed import DAY_MS, fading
from cardwatch_job.model.habits import MIN_PAYMENTS, Habit, UserHabits
from cardwatch_job.model.lessons import HIGH_DEVIATIONS, Heard, Lesson
from cardwatch_job.model.names import hash_of
from cardwatch_job.model.theft import odds_after, odds_with, times_of

MAX_HEARD: Final = 16
"""Feedbacks of a user that are known again: of them a repeated one changes nothing, and one that is
contradicted is taken back."""
DAYS: Final = (1.0, 7.0, 30.0)
"""Half-lives of what a user did recently. Days."""
_HIGHEST_DEVIATIONS: Final = 10.0


class Told(NamedTuple):
    """What was said of a payment."""

    at_ms: int
    """When the payment was."""
    given_at: int
    """When it was said last."""
    fraudulent: bool


@dataclass(slots=True)
class UserMemory:
    """What is remembered of one user."""

    habits: UserHabits = field(default_factory=UserHabits)
    seen: int = 0
    """Payments of whatever kind."""
    last_ms: int = 0
    """Event time of the latest payment; up to there all has faded that fades."""
    counts: list[float] = field(default_factory=lambda: [0.0] * len(DAYS))
    """Recent payments, by half-lives of `DAYS`."""
    totals: list[float] = field(default_factory=lambda: [0.0] * len(DAYS))
    """Their amounts."""
    high: float = 0.0
    """By how much payments of about the last seven days were over what is usual, where that was
    much. Standard deviations."""
    frauds: float = 0.0
    """Known frauds of about the last thirty days."""
    stolen: float = 0.0
    """Odds that the card is stolen, as they were after the latest payment."""
    heard: dict[int, Told] = field(default_factory=dict)
    """What analysts said, by the hash of the transaction, what was heard last at the end."""

    def stolen_at(self, now_ms: int) -> float:
        """Return the odds that the card is stolen, before anything is paid with it."""
        return odds_after(self.stolen, now_ms - self.last_ms if self.seen else DAY_MS)

    def pay(self, at_ms: int, amount: float, deviations: float) -> None:
        """Count a payment among what was done recently; one that is late as what is left of it."""
        self.stolen = self.stolen_at(at_ms)
        if self.habits.payments >= MIN_PAYMENTS:
            self.stolen = odds_with(self.stolen, times_of(self.habits.amounts, amount))
        lefts = [fading(at_ms - self.last_ms, days) for days in DAYS]
        weights = [fading(self.last_ms - at_ms, days) for days in DAYS]
        for index, (left, weight) in enumerate(zip(lefts, weights, strict=True)):
            self.counts[index] = self.counts[index] * left + weight
            self.totals[index] = self.totals[index] * left + weight * amount
        self.high *= lefts[1]
        if deviations > HIGH_DEVIATIONS:
            self.high += weights[1] * min(deviations, _HIGHEST_DEVIATIONS)
        self.frauds *= lefts[2]
        self.seen += 1
        self.last_ms = max(self.last_ms, at_ms)

    def learn(self, transaction_id: str, habit: Habit, *, alerted: bool) -> float:
        """Take in a payment; one that alerted changes no habit for now.

        Returns:
            By how many standard deviations its amount was over the usual before.
        """
        deviations = self.habits.deviations(habit.amount)
        self.pay(habit.at_ms, habit.amount, deviations)
        if alerted:
            self.habits.hold(hash_of(transaction_id), habit)
        else:
            self.habits.learn(habit)
        return deviations

    def hear(self, lesson: Lesson) -> Heard:
        """Take in an analyst's word on a payment; the latest given counts."""
        transaction = hash_of(lesson.transaction_id)
        before = self.heard.get(transaction)
        told = Told(lesson.event_time, lesson.given_at, lesson.fraudulent)
        if before is not None:
            if lesson.given_at < before.given_at:
                return Heard.REPEATED
            if lesson.fraudulent is before.fraudulent:
                self.heard[transaction] = before._replace(given_at=lesson.given_at)
                return Heard.REPEATED
            if before.fraudulent:
                self.frauds = max(0.0, self.frauds - self._left_of(before))
        elif len(self.heard) >= MAX_HEARD:
            del self.heard[next(iter(self.heard))]
        self.heard[transaction] = told
        if lesson.fraudulent:
            self.frauds += self._left_of(told)
        self.habits.settle(transaction, genuine=not lesson.fraudulent)
        return Heard.LEARNED if before is None else Heard.CHANGED

    def _left_of(self, told: Told) -> float:
        return fading(self.last_ms - told.at_ms, DAYS[2])
