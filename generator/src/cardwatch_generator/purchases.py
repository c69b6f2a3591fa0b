"""What a cardholder buys at a given moment: place, category, amount, channel and PIN."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_contracts.detector_config import PinAvoidanceConfig
from cardwatch_generator.cardholder import Population
from cardwatch_generator.habits import (
    AMOUNT_FACTORS,
    ATM,
    CASH,
    CATEGORY_MIX,
    CHIP,
    CONTACTLESS,
    MAGSTRIPE,
    MEAN_FACTORS,
    ONLINE,
    ONLINE_FACTORS,
)
from cardwatch_generator.payments import GENUINE, PAYMENT, Payments, merchants_at, scatter
from cardwatch_generator.places import LATITUDES, LONGITUDES

PIN_FREE_LIMIT_MINOR: Final = PinAvoidanceConfig().pin_free_limit_minor
"""Terminals ask for the PIN from this amount on. Minor units."""

_HOUR_MS: Final = 3_600_000
_LARGE_SHARE: Final = 0.001
"""Furniture, a holiday: a few times the card's usual amount, now and then over ten times."""
_LARGE_MEDIAN: Final = 4.5
_LARGE_SPREAD: Final = 0.4
_ARRANGED_SHARE: Final = 0.00003
"""A car, a kitchen: arranged with the bank, so the limit does not hold."""
_ARRANGED_MEDIAN: Final = 1_100_000
_REFUND_SHARE: Final = 0.0001
_MAGSTRIPE_SHARE: Final = 0.005
_SMALLEST_MINOR: Final = 50


def purchases(
    population: Population,
    cards: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    bustle: float = 1.0,
) -> Payments:
    """Return one genuine payment of each card at its time, in the given order.

    `cards` and `times_ms` have the same length; `bustle` multiplies the amounts.
    """
    payments = np.zeros(len(cards), PAYMENT)
    hour = (times_ms // _HOUR_MS + population.utc_offset_h[cards]) % 24
    category = _categories(population.lifestyle[cards], hour, rng)
    city, latitude, longitude = whereabouts(population, cards, times_ms)
    amount = _amounts(population, cards, category, rng) * bustle
    _make_some_large(amount, population.limit_minor[cards], rng)
    online = rng.random(len(cards)) < population.online_share[cards] * ONLINE_FACTORS[category]
    wants_pin = rng.random(len(cards)) >= population.no_pin_share[cards]
    pin = wants_pin | (amount >= PIN_FREE_LIMIT_MINOR) | (category == CASH)

    payments["time_ms"] = times_ms
    payments["card"] = cards
    payments["amount_minor"] = _whole_minor(amount, rng)
    payments["merchant"] = merchants_at(city, category, online, rng)
    payments["latitude"], payments["longitude"] = scatter(latitude, longitude, len(cards), rng)
    payments["pin_used"] = pin
    payments["channel"] = _channels(category, online, pin, rng)
    payments["scenario"] = GENUINE
    return payments


def whereabouts(
    population: Population, cards: NDArray[np.int64], times_ms: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the city, latitude and longitude around which each card is used at its time.

    Away from home, the household's lodging lies as far from the centre as its address at home.
    """
    home = population.trips.home[cards]
    city, _ = population.trips.at(cards, times_ms)
    latitude = population.home_latitude[cards] + LATITUDES[city] - LATITUDES[home]
    longitude = population.home_longitude[cards] + LONGITUDES[city] - LONGITUDES[home]
    return city, latitude, longitude


def _categories(
    lifestyle: NDArray[np.int64], hour: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    draws = rng.random(len(hour)) * (1 - 1e-9)  # below the last cumulative share, which is ~1
    return np.asarray((draws[:, None] > CATEGORY_MIX[lifestyle, hour]).sum(axis=1))


def _amounts(
    population: Population,
    cards: NDArray[np.int64],
    category: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Log-normal around the card's mean and the category's factor, minor units."""
    spread = population.spread[cards]
    noise = np.exp(spread * rng.standard_normal(len(cards)) - spread**2 / 2)
    usual = population.mean_minor[cards] / MEAN_FACTORS[population.lifestyle[cards]]
    return np.asarray(np.maximum(usual * AMOUNT_FACTORS[category] * noise, _SMALLEST_MINOR))


def _make_some_large(
    amount: NDArray[np.float64], limit: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """Turn a few amounts into large ones, in place; only arranged ones pass the limit."""
    draws = rng.random(len(amount))
    large = np.flatnonzero(draws < _LARGE_SHARE)
    amount[large] *= _LARGE_MEDIAN * np.exp(_LARGE_SPREAD * rng.standard_normal(len(large)))
    np.minimum(amount, limit * 0.98, out=amount)
    arranged = np.flatnonzero(draws > 1 - _ARRANGED_SHARE)
    amount[arranged] = _ARRANGED_MEDIAN * np.exp(0.3 * rng.standard_normal(len(arranged)))


def _whole_minor(amount: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Round to minor units; a few payments are refunds."""
    sign = np.where(rng.random(len(amount)) < _REFUND_SHARE, -1, 1)
    return np.asarray(np.rint(amount).astype(np.int64) * sign)


def _channels(
    category: NDArray[np.int64],
    online: NDArray[np.bool_],
    pin: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    present = np.where(pin, CHIP, CONTACTLESS)
    present = np.where(rng.random(len(pin)) < _MAGSTRIPE_SHARE, MAGSTRIPE, present)
    return np.asarray(np.where(category == CASH, ATM, np.where(online, ONLINE, present)))
