"""Where cardholders are: at home, travelling or at their destination.

A holder's whereabouts are a pure function of the time, so history and stream agree without
remembering anything: each traveller makes one trip in each period, to one of four destinations.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_generator.places import DISTANCES_KM, PLACES

SHORTEST_TRIP_KM: Final = 300.0
_DESTINATIONS: Final = 4
_DAY_MS: Final = 86_400_000
_AIRPORTS_H: Final = 2.5
_FLIGHT_KMH: Final = 750.0  # with the time at airports, every journey stays below 750 km/h


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trips:
    """The trips of cardholders; every array has one entry for each card."""

    home: NDArray[np.int64]
    """Index of the home city in `PLACES`."""
    goes: NDArray[np.bool_]
    """Whether the card's holder travels at all."""
    period_ms: NDArray[np.int64]
    """From one departure to the next."""
    phase_ms: NDArray[np.int64]
    stay_ms: NDArray[np.int64]
    """Time at the destination."""
    destinations: NDArray[np.int64]
    """Indices in `PLACES`. Shape (cards, 4)."""

    def at(
        self, cards: NDArray[np.int64], times_ms: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return each card's city (index in `PLACES`) and whether its holder is in transit.

        In transit the city is the one left behind.
        """
        shifted = times_ms + self.phase_ms[cards]
        number, into = np.divmod(shifted, self.period_ms[cards])
        destination = self.destinations[cards, number % _DESTINATIONS]
        home = self.home[cards]
        transit_ms = self._transit_ms(home, destination)
        back_ms = transit_ms + self.stay_ms[cards]
        goes = self.goes[cards]
        away = goes & (into >= transit_ms) & (into < back_ms + transit_ms)
        moving = goes & ((into < transit_ms) | ((into >= back_ms) & (into < back_ms + transit_ms)))
        return np.where(away, destination, home), moving

    @staticmethod
    def _transit_ms(home: NDArray[np.int64], destination: NDArray[np.int64]) -> NDArray[np.int64]:
        hours = _AIRPORTS_H + DISTANCES_KM[home, destination] / _FLIGHT_KMH
        return np.asarray(hours * 3_600_000, dtype=np.int64)


def plan_trips(
    home: NDArray[np.int64],
    users: NDArray[np.int64],
    goes: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Trips:
    """Draw the trips; cards of one user have the same ones.

    `home`, `users` (dense indices from 0) and `goes` have one entry for each card.
    """
    count = int(users.max()) + 1
    homes = np.zeros(count, dtype=np.int64)
    homes[users] = home
    destinations = _destinations(homes, rng)
    period_ms = (rng.uniform(20, 60, count) * _DAY_MS).astype(np.int64)
    return Trips(
        home=home,
        goes=goes,
        period_ms=period_ms[users],
        phase_ms=(rng.random(count) * period_ms).astype(np.int64)[users],
        stay_ms=(rng.uniform(2, 10, count) * _DAY_MS).astype(np.int64)[users],
        destinations=destinations[users],
    )


def _destinations(homes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose four cities at least 300 km from home, near ones more often than far ones."""
    weights = np.where(DISTANCES_KM >= SHORTEST_TRIP_KM, 1 / np.maximum(DISTANCES_KM, 1.0), 0.0)
    cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    # One sorted row of numbers for all homes: home h has its shares in h to h + 1.
    ladder = (cumulative + np.arange(len(PLACES))[:, None]).ravel()
    draws = rng.random((len(homes), _DESTINATIONS)) * (1 - 1e-9) + homes[:, None]
    return np.asarray(np.searchsorted(ladder, draws, side="right") % len(PLACES), dtype=np.int64)
