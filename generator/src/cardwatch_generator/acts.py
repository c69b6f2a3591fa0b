"""What scenarios are made of: a case and the fraudster's payments around it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_generator.habits import CASH, CATEGORIES, CHIP, CONTACTLESS
from cardwatch_generator.payments import PAYMENT, Payments, merchants_at, scatter
from cardwatch_generator.places import LATITUDES, LONGITUDES, distances_km, nearest_place

_NEAREST_KM: Final = 300.0
_FARTHEST_KM: Final = 9_000.0
_CANDIDATES: Final = 4
_MISUSED: Final = np.array([index for index in range(len(CATEGORIES)) if index != CASH])


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A card that is about to be misused, and what is known of it."""

    rng: np.random.Generator
    card: int
    """Index in the population."""
    start_ms: int
    """Earliest event time of the first payment."""
    average_minor: float
    limit_minor: int
    latitude: float
    """Where the card, or the user's other card, was last used; its home if that is long ago."""
    longitude: float
    last_ms: int | None
    """Event time of that use; None where it is not known."""


def payments_in(case: Case, times_ms: NDArray[np.int64]) -> Payments:
    """Return payments of usual amounts, with PIN, in the town where the case is."""
    return _payments_at(case, times_ms, case.latitude, case.longitude)


def far_away(
    case: Case, times_ms: NDArray[np.int64], *, farthest_km: float = _FARTHEST_KM
) -> Payments:
    """Return payments in another town 300 to `farthest_km` away, near ones more often."""
    km = distances_km(case.latitude, case.longitude, LATITUDES, LONGITUDES)
    wanted = _NEAREST_KM * (farthest_km / _NEAREST_KM) ** (case.rng.random() ** 1.3)
    allowed = np.flatnonzero((km >= _NEAREST_KM) & (km <= farthest_km))
    closest = allowed[np.argsort(np.abs(km[allowed] - wanted), kind="stable")[:_CANDIDATES]]
    city = int(case.rng.choice(closest))
    return _payments_at(case, times_ms, float(LATITUDES[city]), float(LONGITUDES[city]))


def _payments_at(
    case: Case, times_ms: NDArray[np.int64], latitude: float, longitude: float
) -> Payments:
    count = len(times_ms)
    payments = np.zeros(count, PAYMENT)
    payments["time_ms"] = times_ms
    payments["card"] = case.card
    payments["amount_minor"] = usual_amounts(case, count)
    payments["merchant"] = merchants_at(
        np.full(count, nearest_place(latitude, longitude)),
        case.rng.choice(_MISUSED, count),
        np.zeros(count, dtype=np.bool_),
        case.rng,
    )
    payments["latitude"], payments["longitude"] = scatter(latitude, longitude, count, case.rng)
    payments["pin_used"] = True
    payments["channel"] = CHIP
    return payments


def usual_amounts(case: Case, count: int) -> NDArray[np.int64]:
    """Return amounts like the cardholder's own, minor units, > 0."""
    amounts = case.average_minor * case.rng.lognormal(0.0, 0.5, count)
    return np.asarray(np.rint(np.clip(amounts, 50, case.limit_minor)), dtype=np.int64)


def without_pin(payments: Payments) -> None:
    """Make the payments contactless without PIN, in place."""
    payments["pin_used"] = False
    payments["channel"] = CONTACTLESS


def lognormal(rng: np.random.Generator, median: float, spread: float) -> float:
    """Draw a factor with this median; `spread` is the standard deviation of its logarithm."""
    return median * float(np.exp(spread * rng.standard_normal()))


def gaps_ms(
    rng: np.random.Generator, count: int, *, shortest_s: float, mean_s: float
) -> NDArray[np.int64]:
    """Draw `count` waiting times of at least `shortest_s`, exponential beyond it."""
    seconds = shortest_s + rng.exponential(mean_s - shortest_s, count)
    return np.asarray(seconds * 1000, dtype=np.int64)
