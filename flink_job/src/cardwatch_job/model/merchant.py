"""What feedback says of a merchant: whether its terminal was compromised.

A fraud that the user's own habits explain, an amount far over what is usual, comes from a stolen
card and says nothing of the merchant. The others make an episode, which ends when the merchant has
been quiet for long enough.
"""

from dataclasses import dataclass, field
from typing import Final

from cardwatch_job.model.compromise import (
    Judged,
    Suspicion,
    compromised_log_odds,
    suspicion_of,
)
from cardwatch_job.model.decayed import DAY_MS, fading
from cardwatch_job.model.lessons import Heard, Lesson
from cardwatch_job.model.names import hash_of

QUIET_D: Final = 30.0
"""After so many days without a fraud an episode is over."""
MAX_FRAUDS: Final = 64
"""Frauds remembered of one merchant; the oldest go first."""
MAX_HEARD_OF_MERCHANT: Final = 64
"""Feedbacks of a merchant that are known again: of them a repeated one changes nothing, and one
that is contradicted is taken back."""
SHORT_D: Final = 7.0
LONG_D: Final = 30.0
_QUIET_MS: Final = int(QUIET_D * DAY_MS)


@dataclass(slots=True)
class Episode:
    """Frauds at a merchant that lie close together, as known at some time."""

    frauds: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class MerchantMemory:
    """What is remembered of one merchant."""

    frauds: list[int] = field(default_factory=list)
    """Event times of frauds that no habit explains, oldest first."""
    genuine_since: int = 0
    """Payments after the latest of these that were genuine."""
    last_ms: int = 0
    """Event time of the latest payment that something was said of; up to there all has faded."""
    short_known: float = 0.0
    """Payments of which it is known what they were, by the half-life of `SHORT_D`."""
    short_bad: float = 0.0
    """How many of them were frauds not explained."""
    long_known: float = 0.0
    """The same by `LONG_D`."""
    long_bad: float = 0.0
    explained: float = 0.0
    """Frauds that a user's habits explain, by `LONG_D`."""
    heard_ms: int = 0
    """When something was said of the merchant last."""
    heard: dict[int, Judged] = field(default_factory=dict)
    """What analysts said, by the hash of the transaction, what was heard last at the end."""
    suspicion: Suspicion | None = None
    """What `heard` says together."""
    last_genuine_day: int | None = None
    """The latest day, counted from 1970-01-01, of a payment that is known to be genuine."""

    def hear(self, lesson: Lesson) -> Heard:
        """Take in an analyst's word on a payment; the latest given counts."""
        transaction = hash_of(lesson.transaction_id)
        before = self.heard.get(transaction)
        if before is not None:
            if lesson.given_at < before.given_at:
                return Heard.REPEATED
            if lesson.fraudulent is before.fraudulent:
                self.heard[transaction] = before._replace(given_at=lesson.given_at)
                return Heard.REPEATED
        elif len(self.heard) >= MAX_HEARD_OF_MERCHANT:
            del self.heard[next(iter(self.heard))]
        latest = self.frauds[-1] if self.frauds else None
        told = Judged(
            lesson.event_time, lesson.given_at, lesson.fraudulent, lesson.amount_deviations
        )
        if before is not None:
            self._count(before, -1)
        self._count(told, 1)
        self.heard[transaction] = told
        self.heard_ms = max(self.heard_ms, lesson.given_at)
        if (self.frauds[-1] if self.frauds else None) != latest:
            self.genuine_since = self._recounted()
        self.weigh()
        return Heard.LEARNED if before is None else Heard.CHANGED

    def weigh(self) -> None:
        """Work out what all that was heard says together."""
        self.suspicion = suspicion_of(self.heard.values())
        genuine = (told.at_ms // DAY_MS for told in self.heard.values() if not told.fraudulent)
        self.last_genuine_day = max(genuine, default=None)

    def _count(self, told: Judged, times: int) -> None:
        """Count what became known of a payment; with `times` -1 take it back."""
        weight = times * self._weight_at(told.at_ms)
        long_weight = times * fading(self.last_ms - told.at_ms, LONG_D)
        bad = told.fraudulent and not told.explained
        self.short_known += weight
        self.long_known += long_weight
        if bad:
            self.short_bad += weight
            self.long_bad += long_weight
            self._note(told.at_ms, times)
        elif told.fraudulent:
            self.explained += long_weight
        elif self.frauds and told.at_ms > self.frauds[-1]:
            self.genuine_since = max(0, self.genuine_since + times)

    def _weight_at(self, at_ms: int) -> float:
        """Let all fade up to a time; return what is left of what was then, by `SHORT_D`."""
        if at_ms > self.last_ms:
            left = fading(at_ms - self.last_ms, SHORT_D)
            self.short_known *= left
            self.short_bad *= left
            left = fading(at_ms - self.last_ms, LONG_D)
            self.long_known *= left
            self.long_bad *= left
            self.explained *= left
            self.last_ms = at_ms
        return fading(self.last_ms - at_ms, SHORT_D)

    def _note(self, at_ms: int, times: int) -> None:
        if times < 0:
            if at_ms in self.frauds:
                self.frauds.remove(at_ms)
            return
        if self.frauds and at_ms - self.frauds[-1] > _QUIET_MS:
            self.frauds.clear()
        self.frauds.append(at_ms)
        self.frauds.sort()
        del self.frauds[:-MAX_FRAUDS]

    def _recounted(self) -> int:
        """Return how many payments after the latest fraud are known to be genuine."""
        if not self.frauds:
            return 0
        latest = self.frauds[-1]
        return sum(not told.fraudulent and told.at_ms > latest for told in self.heard.values())

    def episode(self, now_ms: int) -> Episode | None:
        """Return the frauds that speak against the merchant now; None where there are none."""
        if not self.frauds or now_ms - self.frauds[-1] > _QUIET_MS:
            return None
        return Episode(len(self.frauds), self.frauds[0], self.frauds[-1])

    def shares(self, now_ms: int) -> tuple[float, float, float]:
        """Return the shares of frauds among known payments, and what is left of those explained.

        The shares, by the short and the long half-life, go towards 0 where little is known.
        """
        short = fading(now_ms - self.last_ms, SHORT_D)
        long = fading(now_ms - self.last_ms, LONG_D)
        return (
            _share(self.short_bad * short, self.short_known * short),
            _share(self.long_bad * long, self.long_known * long),
            max(0.0, self.explained * long),
        )

    def compromised(self, now_ms: int) -> float:
        """Return the logarithm of the odds that the terminal is compromised."""
        return compromised_log_odds(now_ms, self.suspicion, self.last_genuine_day)


def _share(bad: float, known: float) -> float:
    # One made-up genuine payment, so that a single fraud does not weigh like ten. What was taken
    # back may leave a little less than nothing.
    return max(0.0, bad) / (max(0.0, known) + 1.0)
