"""Whether a merchant's terminal is compromised, as far as what was reported of it says.

A terminal is compromised for a span of days that begins on any day alike. Each payment that is
known by now makes a span that it lies in more or less likely: a genuine one much less, a fraud
more, and the less its amount is explained by a stolen card the more. Bayes' rule over the day on
which the span began gives the odds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log
from typing import Final, NamedTuple

from cardwatch_job.model.decayed import DAY_MS
from cardwatch_job.model.lessons import is_explained
from cardwatch_job.model.theft import LEAST_ODDS, STOLEN_TIMES

BEGINS_PER_DAY: Final = 2e-4
"""How often a terminal is compromised, a day."""
EPISODE_D: Final = 28
"""For how long. Days."""
REMEMBERED_D: Final = 64
"""What is older than that, by event time, than the latest says nothing."""
_GENUINE: Final = log(0.01)
"""Logarithm of how likely a genuine payment is at a compromised terminal."""
_STOLEN: Final = 0.0028
"""Odds that any payment is made with a stolen card."""
_LEAST_STOLEN: Final = 3e-4
"""Smallest share of stolen cards among such frauds that is believed."""
_MOST_DEVIATIONS: Final = 8.0
_USUAL_DEVIATIONS: Final = 2.0
"""How many standard deviations a usual mean is; of a feedback's user it is not known."""
_MOST_EXPONENT: Final = 50.0


class Judged(NamedTuple):
    """What was said of a payment at a merchant."""

    at_ms: int
    """When the payment was."""
    given_at: int
    """When it was said last."""
    fraudulent: bool
    amount_deviations: float
    """By how much its amount was over what was usual for its user."""

    @property
    def explained(self) -> bool:
        """Whether its user's habits would explain that it is a fraud."""
        return is_explained(self.amount_deviations)

    @property
    def weight(self) -> float:
        """Logarithm of how many times likelier it is at a compromised terminal."""
        if not self.fraudulent:
            return _GENUINE
        deviations = min(max(self.amount_deviations, 0.0), _MOST_DEVIATIONS)
        of_thief = deviations / STOLEN_TIMES - _USUAL_DEVIATIONS * (1 - 1 / STOLEN_TIMES)
        odds = _STOLEN * exp(0.5 * (deviations * deviations - of_thief * of_thief)) / STOLEN_TIMES
        return -log(max(odds / (1 + odds), _LEAST_STOLEN))


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What speaks for spans in which a terminal was compromised, by the day on which they began."""

    first_day: int
    """Of the payments known; the first span may have begun `EPISODE_D` - 1 days before."""
    last_day: int
    tails: tuple[float, ...]
    """Odds of a span that began on this day or later, one for each day a span may have begun."""


def suspicion_of(heard: Iterable[Judged]) -> Suspicion | None:
    """Return what payments say together; None where none of them was a fraud."""
    told = [(each.at_ms // DAY_MS, each) for each in heard]
    last = max((day for day, _ in told), default=0)
    told = [(day, each) for day, each in told if day > last - REMEMBERED_D]
    if not any(each.fraudulent for _, each in told):
        return None
    first = min(day for day, _ in told)
    by_day = [0.0] * (last - first + 1)
    for day, each in told:
        by_day[day - first] += each.weight
    until = [0.0]
    for weight in by_day:
        until.append(until[-1] + weight)
    tails = [0.0]
    for begins in range(last, first - EPISODE_D, -1):
        ends = min(begins + EPISODE_D - 1, last)
        exponent = until[ends - first + 1] - until[max(begins, first) - first]
        tails.append(tails[-1] + BEGINS_PER_DAY * exp(min(exponent, _MOST_EXPONENT)))
    return Suspicion(first, last, tuple(reversed(tails)))


def compromised_log_odds(
    now_ms: int, suspicion: Suspicion | None, last_genuine_day: int | None
) -> float:
    """Return the logarithm of the odds that a terminal is compromised now.

    `last_genuine_day`: the latest on which a payment is known to be genuine; None where none is.
    """
    day = now_ms // DAY_MS
    if suspicion is None:
        since = EPISODE_D if last_genuine_day is None else max(day - last_genuine_day, 0)
        odds = BEGINS_PER_DAY * min(since, EPISODE_D)
        share = odds / (1 + odds)
    else:
        tails = suspicion.tails
        # A span of `EPISODE_D` days that is not over began after day - EPISODE_D.
        place = min(max(day - suspicion.first_day, 0), len(tails) - 1)
        fresh = BEGINS_PER_DAY * min(max(day - suspicion.last_day, 0), EPISODE_D)
        share = (tails[place] + fresh) / (1 + tails[0] + fresh)
    return log(share / (1 - share + LEAST_ODDS) + LEAST_ODDS)
