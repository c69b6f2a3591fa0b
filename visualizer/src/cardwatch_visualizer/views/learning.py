"""How a card's profile came to be what it is. Pure.

The job keeps, of each card, the mean of its positive amounts and how many there were, never what
they were before. The archive has the amounts: from the newest profile the mean before each of them
follows. With n amounts of mean m, and the newest of them a, it was (n m - a) / (n - 1) before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from cardwatch_contracts.card import CardProfile
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.views.times import plot_time

Row = Mapping[str, Any]

_ROUNDED_MINOR: Final = 0.01
"""Profiles have means to the hundredth of a minor unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A transaction, and what the profile knew once it had learned from it."""

    transaction_id: str
    at: str
    """When, ISO 8601 without a zone, in the viewer's."""
    amount_minor: int
    currency: str
    where: str
    """Merchant and city, as they may stand on a screen."""
    mean_minor: float | None
    """Mean of the positive amounts with this one; None: not known."""
    amounts: int | None
    """How many these were; None: not known."""
    baseline_minor: float | None
    """What a detector took for usual when it judged this one; None: none objected."""
    alert_id: str | None


def learned(rows: Sequence[Row], profile: CardProfile | None, zone: tzinfo) -> tuple[Learned, ...]:
    """Return a card's transactions with the mean after each.

    Args:
        rows: of `archive.cardholders.learning`, oldest first.
        profile: the card's newest; without one no mean is known.
        zone: the viewer's.
    """
    means = _means(rows, profile)
    return tuple(
        Learned(
            transaction_id=row["transaction_id"],
            at=plot_time(row["event_time"], zone),
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            where=", ".join(filter(None, (shown(row["merchant_id"]), shown(row["city"])))),
            mean_minor=mean,
            amounts=count,
            baseline_minor=row["baseline"],
            alert_id=row["alert_id"],
        )
        for row, (mean, count) in zip(rows, means, strict=True)
    )


def _means(
    rows: Sequence[Row], profile: CardProfile | None
) -> list[tuple[float | None, int | None]]:
    """Return mean and number of amounts after each row, going back from the newest profile."""
    unknown: tuple[float | None, int | None] = (None, None)
    means = [unknown] * len(rows)
    if profile is None or profile.average_amount_minor is None or not profile.amounts:
        return means
    count, total = profile.amounts, profile.average_amount_minor * profile.amounts
    for place in range(len(rows) - 1, -1, -1):
        row = rows[place]
        if row["event_time"] > (profile.last_event_time or 0):
            continue  # the profile is older than this
        error_minor = _ROUNDED_MINOR * profile.amounts
        if count <= 0 or total < -error_minor:
            break  # the profile began later: the job had forgotten the card
        means[place] = (max(0.0, total) / count, count)
        if row["amount_minor"] > 0:
            count -= 1
            total -= row["amount_minor"]
    return means
