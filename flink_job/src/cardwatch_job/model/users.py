"""What is remembered of one user: habits, recent activity, and payments that feedback may name."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cardwatch_job.model.decayed import Fading
from cardwatch_job.model.habits import UserHabits

MAX_RECENT: Final = 128
"""Payments of a user that feedback can still name; of an older one it says nothing."""
DAYS: Final = (1.0, 7.0, 30.0)
"""Half-lives of what a user did recently. Days."""

HIGH_DEVIATIONS: Final = 2.5
"""From here on an amount is far over what is usual for its user. Standard deviations."""
_HIGHEST_DEVIATIONS: Final = 10.0


class Recent(NamedTuple):
    """A payment that feedback may name."""

    at_ms: int
    merchant: str
    explained: bool
    """Whether its user's habits would explain that it is a fraud."""
    fraudulent: bool | None
    """What feedback says by now; None while there is none."""
    given_at: int
    """When the latest feedback was given. Milliseconds."""


@dataclass(slots=True)
class UserMemory:
    """What is remembered of one user."""

    habits: UserHabits = field(default_factory=UserHabits)
    last_ms: int | None = None
    """Event time of the latest payment."""
    paid: tuple[Fading, ...] = field(default_factory=lambda: tuple(Fading() for _ in DAYS))
    """Payments and their amounts, one for each of `DAYS`."""
    high: Fading = field(default_factory=Fading)
    """By how much recent payments were over what is usual, in standard deviations."""
    frauds: Fading = field(default_factory=Fading)
    """Known frauds of this user."""
    recent: dict[str, Recent] = field(default_factory=dict)
    """Payments by transaction id, the latest last."""

    def remember(self, transaction_id: str, recent: Recent) -> None:
        """Know a payment when feedback names it."""
        if len(self.recent) >= MAX_RECENT:
            del self.recent[next(iter(self.recent))]
        self.recent[transaction_id] = recent

    def act(self, at_ms: int, amount: float, deviations: float) -> None:
        """Count a payment among what was done recently."""
        for days, paid in zip(DAYS, self.paid, strict=True):
            paid.add(at_ms, days, amount=amount)
        if deviations > HIGH_DEVIATIONS:
            self.high.add(at_ms, DAYS[1], amount=min(deviations, _HIGHEST_DEVIATIONS))
        if self.last_ms is None or at_ms > self.last_ms:
            self.last_ms = at_ms
