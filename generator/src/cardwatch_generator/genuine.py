"""The stream of genuine payments: who pays when."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_generator.activity import CardActivity
from cardwatch_generator.cardholder import Population
from cardwatch_generator.habits import HOURS
from cardwatch_generator.holidays import ORDINARY, bustle_at
from cardwatch_generator.payments import Payments
from cardwatch_generator.purchases import purchases
from cardwatch_generator.randomness import Purpose, generator_for
from cardwatch_generator.sequels import SEQUELS_PER_PAYMENT, sequels
from cardwatch_generator.settings import GeneratorSettings

_HOUR_MS: Final = 3_600_000
_REST_MS: Final = 60_000
_RESTING_SHARE: Final = 0.6
"""At most this share of the cards rests at any time; at higher rates cards rest less."""
_ROUNDS: Final = 8
_RETURN_SHARE: Final = 0.0001
"""Share of the payments made by a cardholder who comes back after a long silence."""


class GenuineTraffic:
    """Payments of cardholders who are themselves.

    Arrivals are a Poisson process; who pays is drawn by habit from the cards that are free.
    """

    def __init__(
        self,
        settings: GeneratorSettings,
        population: Population,
        activity: CardActivity,
        *,
        start_ms: int,
    ) -> None:
        self._holidays = settings.holidays
        self._population = population
        self._activity = activity
        self._rng = generator_for(settings.seed, Purpose.GENUINE, start_ms)
        per_ms = (1 - settings.anomaly_share) / (1 + SEQUELS_PER_PAYMENT) / 1000
        self._rates = [bank.tps * per_ms for bank in settings.banks]
        self._edges = np.searchsorted(population.bank, np.arange(len(settings.banks) + 1))
        self.rest_ms = int(min(_REST_MS, _RESTING_SHARE * settings.cards / settings.tps * 1000))
        self._hour = -1
        self._cumulative: list[NDArray[np.float64]] = []

    def between(self, start_ms: int, end_ms: int) -> tuple[Payments, Payments]:
        """Return the payments in `[start_ms, end_ms)`, bank by bank, and sequels, some later.

        Called with adjoining intervals in order, each shorter than an hour.
        """
        bustle = bustle_at(start_ms) if self._holidays else ORDINARY
        self._weigh(start_ms // _HOUR_MS)
        payments = np.concatenate(
            [
                purchases(self._population, cards, times_ms, self._rng, bustle=bustle.amount)
                for cards, times_ms in self._arrivals(start_ms, end_ms, bustle.rate)
            ]
        )
        later = sequels(self._population, payments, self._rng)
        np.maximum.at(self._activity.free_at, later["card"], later["time_ms"] + self.rest_ms)
        return payments, later

    def _arrivals(
        self, start_ms: int, end_ms: int, bustle: float
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield each bank's paying cards and their times."""
        for bank, rate in enumerate(self._rates):
            count = self._rng.poisson(rate * bustle * (end_ms - start_ms))
            times_ms = np.sort(self._rng.integers(start_ms, end_ms, size=count))
            cards = self._draw(bank, times_ms)
            self._wake_some(bank, cards)
            self._activity.free_at[cards] = times_ms[: len(cards)] + self.rest_ms
            yield cards, times_ms[: len(cards)]

    def _weigh(self, hour: int) -> None:
        """Weigh the cards by their habits at `hour` (hours since 1970, UTC), once an hour.

        Holders who are in transit at either end do not pay: no transit is shorter than an hour.
        """
        if hour == self._hour:
            return
        self._hour = hour
        population = self._population
        local = (hour + population.utc_offset_h) % 24
        weight = population.activity * HOURS[population.hour_profile, local]
        everyone = np.arange(len(population))
        for edge in (hour, hour + 1):
            _, moving = population.trips.at(everyone, np.full(len(everyone), edge * _HOUR_MS))
            weight[moving] = 0.0
        weight[self._activity.dormant] = 0.0
        self._cumulative = [
            np.cumsum(weight[first:last])
            for first, last in zip(self._edges[:-1], self._edges[1:], strict=True)
        ]

    def _draw(self, bank: int, times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw a free card by its weight for each time; fewer cards where none can pay at all."""
        first, cumulative = int(self._edges[bank]), self._cumulative[bank]
        total = cumulative[-1]
        if total <= 0:
            return np.zeros(0, dtype=np.int64)
        free_at = self._activity.free_at
        cards = np.full(len(times_ms), -1, dtype=np.int64)
        open_slots = np.arange(len(times_ms))
        for _ in range(_ROUNDS):
            draws = self._rng.random(len(open_slots)) * total
            drawn = first + np.searchsorted(cumulative, draws, side="right")
            usable = np.flatnonzero(free_at[drawn] <= times_ms[open_slots])
            _, once = np.unique(drawn[usable], return_index=True)
            taken = usable[once]
            cards[open_slots[taken]] = drawn[taken]
            free_at[drawn[taken]] = times_ms[open_slots[taken]] + self.rest_ms
            open_slots = np.delete(open_slots, taken)
            if not len(open_slots):
                return cards
        cards[open_slots] = self._rested_longest(bank, len(open_slots))
        return cards

    def _rested_longest(self, bank: int, count: int) -> NDArray[np.int64]:
        """Return the bank's `count` cards that are free first: when hardly any is free."""
        cumulative = self._cumulative[bank]
        payers = np.flatnonzero(np.diff(cumulative, prepend=0.0) > 0) + int(self._edges[bank])
        order = np.argsort(self._activity.free_at[payers], kind="stable")
        return np.asarray(np.resize(payers[order[:count]], count))

    def _wake_some(self, bank: int, cards: NDArray[np.int64]) -> None:
        """Let a few payments be the first after a long silence, in place."""
        dormant = self._activity.dormant
        for index in np.flatnonzero(self._rng.random(len(cards)) < _RETURN_SHARE).tolist():
            first, last = self._edges[bank], self._edges[bank + 1]
            asleep = np.flatnonzero(dormant[first:last]) + first
            if len(asleep):
                cards[index] = asleep[self._rng.integers(len(asleep))]
                dormant[cards[index]] = False
