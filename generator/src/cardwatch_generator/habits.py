"""When people pay, for what, and how.

The figures are made up to be plausible; they come from no bank.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

CHANNELS: Final = ("chip", "contactless", "magstripe", "online", "atm")
CHIP, CONTACTLESS, MAGSTRIPE, ONLINE, ATM = range(5)

MERCHANTS_PER_CATEGORY: Final = 12
"""Merchants of one category in one city, and as many online ones for all cities."""


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of merchant."""

    name: str
    amount: float
    """Typical amount as a multiple of the card's usual one."""
    online: float
    """Multiplies the cardholder's share of online payments; 0: never online."""
    dayparts: tuple[float, float, float, float]
    """How often one pays there at night, in the morning, by day and in the evening."""


CATEGORIES: Final = (
    Category("grocery", 1.0, 0.3, (1, 8, 14, 14)),
    Category("restaurant", 0.9, 0.2, (4, 4, 12, 14)),
    Category("cafe", 0.3, 0.0, (2, 14, 10, 4)),
    Category("transport", 0.35, 0.5, (6, 16, 8, 8)),
    Category("fuel", 1.3, 0.0, (3, 6, 5, 5)),
    Category("pharmacy", 0.6, 0.3, (1, 3, 5, 3)),
    Category("clothing", 1.4, 1.5, (1, 2, 8, 6)),
    Category("electronics", 2.0, 2.0, (1, 1, 3, 3)),
    Category("entertainment", 0.7, 1.5, (6, 1, 4, 12)),
    Category("travel", 2.0, 2.0, (1, 2, 3, 3)),
    Category("cash", 1.5, 0.0, (2, 2, 4, 3)),
    Category("subscription", 0.4, 9.0, (3, 3, 3, 3)),
)
CASH: Final = next(index for index, kind in enumerate(CATEGORIES) if kind.name == "cash")
AMOUNT_FACTORS: Final = np.array([kind.amount for kind in CATEGORIES])
ONLINE_FACTORS: Final = np.array([kind.online for kind in CATEGORIES])

_LIFESTYLES: Final = np.array(
    [  # in the order of CATEGORIES
        [1, 1, 2, 2.5, 0.3, 1, 1, 1, 1, 1, 1, 1],  # commuter in town
        [2, 0.6, 0.5, 0.4, 2.5, 1.5, 1.3, 0.8, 0.8, 0.6, 1, 1],  # family with a car
        [0.7, 2, 1.5, 1.2, 0.4, 0.7, 1.4, 1.4, 2.5, 1.5, 0.8, 1.5],  # young and out
        [1.6, 0.7, 1, 0.6, 0.8, 2.5, 0.7, 0.4, 0.6, 0.8, 2.5, 0.5],  # retired
    ]
)
LIFESTYLES: Final = len(_LIFESTYLES)


def _cumulative_mix() -> NDArray[np.float64]:
    daypart_of_hour = np.repeat([0, 1, 2, 3, 0], [6, 5, 6, 5, 2])
    dayparts = np.array([kind.dayparts for kind in CATEGORIES], dtype=np.float64)
    weights = _LIFESTYLES[:, None, :] * dayparts.T[daypart_of_hour][None, :, :]
    shares = weights / weights.sum(axis=2, keepdims=True)
    return np.asarray(np.cumsum(shares, axis=2))


CATEGORY_MIX: Final = _cumulative_mix()
"""Cumulative shares of the categories. Shape (lifestyles, 24 local hours, categories)."""

MEAN_FACTORS: Final = np.diff(CATEGORY_MIX, axis=2, prepend=0.0).mean(axis=1) @ AMOUNT_FACTORS
"""Mean of the categories' amount factors by lifestyle; dividing by it keeps a card's mean."""


def _hours(*weights: float) -> list[float]:
    """Spread 12 weights over 24 hours, two hours each."""
    return [weight for weight in weights for _ in range(2)]


HOURS: Final = np.array(
    [
        # 0    2    4    6    8   10   12   14   16   18   20   22
        _hours(0.4, 0.4, 0.6, 1.3, 1.4, 1.2, 1.2, 1.0, 1.2, 1.1, 0.7, 0.5),  # early riser
        _hours(0.4, 0.4, 0.4, 0.8, 1.2, 0.8, 1.5, 0.9, 1.2, 1.6, 1.2, 0.6),  # office worker
        _hours(0.4, 0.4, 0.4, 0.6, 1.2, 1.5, 1.4, 1.4, 1.3, 1.0, 0.7, 0.5),  # at home by day
        _hours(1.1, 0.8, 0.5, 0.4, 0.5, 0.8, 1.1, 1.1, 1.2, 1.4, 1.5, 1.4),  # night owl
    ]
)
"""Relative activity. Shape (profiles, 24 local hours).

Nights are quieter only by a factor of about four, because a bank's rate is fixed: in a deep night
the few who are awake would have to pay for all.
"""
