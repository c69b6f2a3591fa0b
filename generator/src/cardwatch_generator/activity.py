"""What the stream has done with each card so far."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_generator.cardholder import Population
from cardwatch_generator.payments import Payments

NEVER: Final = np.int64(-(2**62))


class CardActivity:
    """When and where each card was last used, and until when it is spoken for.

    Every array has one entry for each card; times are event times in milliseconds.
    """

    __slots__ = (
        "dormant", "free_at", "idle_at", "last_latitude", "last_longitude", "last_ms", "payments",
    )  # fmt: skip

    def __init__(self, population: Population) -> None:
        cards = len(population)
        self.free_at: NDArray[np.int64] = np.full(cards, NEVER)
        """From when its holder may pay with it again."""
        self.idle_at: NDArray[np.int64] = np.full(cards, NEVER)
        """From when a scenario may use it again."""
        self.last_ms: NDArray[np.int64] = np.full(cards, NEVER)
        """Event time of its latest payment; `NEVER` before the first."""
        self.last_latitude: NDArray[np.float64] = population.home_latitude.copy()
        self.last_longitude: NDArray[np.float64] = population.home_longitude.copy()
        self.payments: NDArray[np.int64] = np.zeros(cards, dtype=np.int64)
        self.dormant: NDArray[np.bool_] = population.dormant.copy()
        """Still in the reserve that genuine traffic does not use."""

    def learn(self, payments: Payments) -> None:
        """Take in payments that have happened; they are in the order of event time."""
        cards = payments["card"]
        self.last_ms[cards] = payments["time_ms"]
        self.last_latitude[cards] = payments["latitude"]
        self.last_longitude[cards] = payments["longitude"]
        np.add.at(self.payments, cards, 1)
