"""Payments before they become transactions: rows of one numpy array, with indices for names."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cardwatch_generator.habits import CATEGORIES, MERCHANTS_PER_CATEGORY
from cardwatch_generator.places import PLACES

PAYMENT: Final = np.dtype(
    [
        ("time_ms", np.int64),
        ("card", np.int64),  # index in the population
        ("amount_minor", np.int64),
        ("merchant", np.int64),  # index in `MERCHANTS`
        ("latitude", np.float64),
        ("longitude", np.float64),
        ("pin_used", np.bool_),
        ("channel", np.int8),  # index in `habits.CHANNELS`
        ("scenario", np.int8),  # index in `settings.SCENARIOS`; -1: genuine
    ]
)
GENUINE: Final = -1

Payments: TypeAlias = NDArray[np.void]
"""One-dimensional array of `PAYMENT`."""

_SHOP_SPREAD_DEG: Final = 0.03  # about 3 km
_PER_CITY: Final = len(CATEGORIES) * MERCHANTS_PER_CATEGORY
_LOCAL: Final = len(PLACES) * _PER_CITY


def _merchants() -> tuple[tuple[str, str, str, str], ...]:
    local, online = [], []
    for place in PLACES:
        city = place.city.lower().replace(" ", "-")
        for category in (kind.name for kind in CATEGORIES):
            where = (category, place.country, place.city)
            for number in range(1, MERCHANTS_PER_CATEGORY + 1):
                local.append((f"m-{city}-{category}-{number}", *where))
                online.append((f"m-online-{category}-{number}", *where))
    return (*local, *online)


MERCHANTS: Final = _merchants()
"""Merchant id, category, country and city by merchant index.

An online merchant has an index for each city: a payment online is placed where the cardholder is,
as a bank does by the address of the device.
"""


def merchants_at(
    city: NDArray[np.int64],
    category: NDArray[np.int64],
    online: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Choose merchants; the first of each kind have more customers than the last."""
    number = (MERCHANTS_PER_CATEGORY * rng.random(len(city)) ** 2).astype(np.int64)
    index = city * _PER_CITY + category * MERCHANTS_PER_CATEGORY + number
    return np.asarray(np.where(online, index + _LOCAL, index))


def city_of(merchants: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the city (index in `PLACES`) of each merchant index."""
    return np.asarray(merchants % _LOCAL // _PER_CITY)


def scatter(
    latitude: NDArray[np.float64] | float,
    longitude: NDArray[np.float64] | float,
    count: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places of `count` shops around the given points, degrees with five decimals."""
    north, east = rng.normal(0.0, _SHOP_SPREAD_DEG, (2, count))
    return (
        np.round(latitude + north, 5),
        np.round(longitude + east / np.cos(np.radians(latitude)), 5),
    )


def in_order(payments: list[Payments]) -> Payments:
    """Join arrays of payments and sort them by event time; equal times keep their order."""
    joined = np.concatenate(payments) if payments else np.zeros(0, PAYMENT)
    return joined[np.argsort(joined["time_ms"], kind="stable")]
