"""What feedback that came late says of a merchant: whether its terminal was compromised.

A fraud that the user's own habits explain, an amount far over what is usual, comes from a stolen
card and says nothing of the merchant. The others make an episode, which ends when the merchant has
been quiet for long enough.
"""

from dataclasses import dataclass, field
from typing import Final

from cardwatch_job.model.decayed import DAY_MS, Fading, fading

QUIET_D: Final = 30.0
"""After so many days without a fraud an episode is over."""
MAX_FRAUDS: Final = 64
"""Frauds remembered of one merchant; the oldest go first."""
SHORT_D: Final = 7.0
LONG_D: Final = 30.0
_QUIET_MS: Final = QUIET_D * DAY_MS


@dataclass(slots=True)
class Episode:
    """Frauds at a merchant that lie close together, as known at some time."""

    frauds: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class MerchantMemory:
    """What is remembered of one merchant."""

    paid: Fading = field(default_factory=Fading)
    """Payments, and their amounts."""
    frauds: list[int] = field(default_factory=list)
    """Event times of frauds that no habit explains, oldest first."""
    explained: Fading = field(default_factory=Fading)
    """Frauds that a user's habits explain."""
    short: Fading = field(default_factory=Fading)
    """Payments of which it is known what they were, and how many were frauds not explained."""
    long: Fading = field(default_factory=Fading)
    """The same over a longer time."""
    genuine_since: int = 0
    """Payments after the latest fraud that were genuine."""

    def pay(self, at_ms: int, amount: float) -> None:
        """Count a payment."""
        self.paid.add(at_ms, SHORT_D, amount=amount)

    def learn(self, at_ms: int, *, fraudulent: bool, explained: bool, times: int = 1) -> None:
        """Take in what became known of a payment; with `times` -1 take it back.

        `explained`: whether its user's habits explain that it is a fraud.
        """
        bad = float(fraudulent and not explained)
        self.short.add(at_ms, SHORT_D, amount=bad, times=times)
        self.long.add(at_ms, LONG_D, amount=bad, times=times)
        if bad:
            self._note(at_ms, times)
        elif fraudulent:
            self.explained.add(at_ms, LONG_D, times=times)
        elif self.frauds and at_ms > self.frauds[-1]:
            self.genuine_since = max(0, self.genuine_since + times)

    def _note(self, at_ms: int, times: int) -> None:
        if times < 0:
            if at_ms in self.frauds:
                self.frauds.remove(at_ms)
            return
        if not self.frauds or at_ms >= self.frauds[-1]:
            if self.frauds and at_ms - self.frauds[-1] > _QUIET_MS:
                self.frauds.clear()
            self.genuine_since = 0
        self.frauds.append(at_ms)
        self.frauds.sort()
        del self.frauds[:-MAX_FRAUDS]

    def episode(self, now_ms: int) -> Episode | None:
        """Return the frauds that speak against the merchant now; None where there are none."""
        if not self.frauds or now_ms - self.frauds[-1] > _QUIET_MS:
            return None
        return Episode(len(self.frauds), self.frauds[0], self.frauds[-1])

    def share(self, now_ms: int, *, short: bool) -> float:
        """Return the share of known payments that were frauds, towards 0 where little is known."""
        seen, days = (self.short, SHORT_D) if short else (self.long, LONG_D)
        if not seen.total:
            return 0.0
        left = fading(now_ms - seen.at_ms, days)
        # One made-up genuine payment, so that a single fraud does not weigh like ten.
        return max(0.0, seen.total * left) / (max(0.0, seen.count * left) + 1.0)
