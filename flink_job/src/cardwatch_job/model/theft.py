"""Whether a card is stolen, as far as the amounts paid with it say: a filter with two states.

A card is its owner's or in a thief's hands, and changes hands at random; after each payment the
odds are those of Bayes, by how likely the amount is for either (the hidden Markov chain of
Shiryaev's disorder problem). The constants are those of a thief who makes every third payment, of
five times the usual amount, for two weeks. A payment that comes late counts as if it came now.
"""

from math import exp, log
from typing import Final

from cardwatch_job.model.decayed import DAY_MS
from cardwatch_job.model.habits import Amounts

STOLEN_PER_DAY: Final = 0.0006
"""How often a card is stolen, a day."""
STOLEN_D: Final = 14.0
"""How long a thief has it on average. Days."""
STOLEN_SHARE: Final = 1 / 3
"""How many of the payments are then the thief's."""
STOLEN_TIMES: Final = 5.0
"""How many times the owner's usual amount a thief pays."""
LEAST_ODDS: Final = 1e-9
"""What is added to odds before their logarithm is taken."""
MOST_ODDS: Final = 1e9
_CHANGES: Final = STOLEN_PER_DAY + 1 / STOLEN_D
"""How fast what is known of the past stops to matter, a day."""
AT_REST: Final = STOLEN_PER_DAY / _CHANGES
"""Share of cards that are in a thief's hands at any time."""
_LEAST_EXPONENT: Final = -20.0
_MOST_EXPONENT: Final = 9.0


def odds_after(odds: float, gone_ms: int) -> float:
    """Return the odds that a card is stolen after so much time without a payment."""
    stolen = odds / (1 + odds)
    left = exp(-_CHANGES * (gone_ms / DAY_MS)) if gone_ms > 0 else 1.0
    stolen = AT_REST + (stolen - AT_REST) * left
    return stolen / (1 - stolen)


def times_of(amounts: Amounts, amount: float) -> float:
    """Return how many times likelier an amount is a thief's than the owner's."""
    deviations = amounts.deviations(amount)
    of_thief = amounts.deviations(amount / STOLEN_TIMES)
    exponent = 0.5 * (deviations * deviations - of_thief * of_thief)
    return exp(min(max(exponent, _LEAST_EXPONENT), _MOST_EXPONENT)) / STOLEN_TIMES


def odds_with(odds: float, times: float) -> float:
    """Return the odds that a card is stolen, once it has paid an amount."""
    return min(odds * (1 - STOLEN_SHARE + STOLEN_SHARE * times), MOST_ODDS)


def payment_odds(odds: float, times: float) -> float:
    """Return the odds that a payment is a thief's."""
    of_thief = odds / (1 + odds) * STOLEN_SHARE
    return of_thief * times / (1 - of_thief)


def log_odds(odds: float) -> float:
    """Return the natural logarithm of odds; finite where they are 0."""
    return log(odds + LEAST_ODDS)
