"""Which card a scenario is played on."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_generator.activity import NEVER, CardActivity
from cardwatch_generator.cardholder import Population
from cardwatch_generator.payments import Payments
from cardwatch_generator.scenarios import Victim

_TRIES: Final = 8
_REMEMBERED: Final = 256


class Victims:
    """Chooses cards that no other scenario is busy with."""

    def __init__(
        self, population: Population, activity: CardActivity, rng: np.random.Generator
    ) -> None:
        self._population = population
        self._activity = activity
        self._rng = rng
        tps = np.array([bank.tps for bank in population.banks])
        self._bank_shares = np.cumsum(tps / tps.sum())
        self._edges = np.searchsorted(population.bank, np.arange(len(tps) + 1))
        self._user_edges = np.searchsorted(population.user, np.arange(int(population.user[-1]) + 2))
        self._recent: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def saw(self, payments: Payments) -> None:
        """Remember the cards that paid last."""
        cards = np.concatenate([self._recent, payments["card"]])
        self._recent = cards[-_REMEMBERED:]

    def cards_of_same_user(self, card: int) -> slice:
        """Return the range of indices of the user's cards."""
        user = self._population.user[card]
        return slice(int(self._user_edges[user]), int(self._user_edges[user + 1]))

    def choose(self, kind: Victim, time_ms: int) -> tuple[int, int] | None:
        """Return a card and the card by which its whereabouts are known; None: there is none."""
        if kind is Victim.DORMANT:
            return self._dormant(time_ms)
        for _ in range(_TRIES):
            seen = self._any() if kind is Victim.ANY else self._just_used(time_ms)
            if seen is None or self._activity.dormant[seen]:
                continue
            card = self._companion(seen) if kind is Victim.COMPANION else seen
            if card is not None and self._activity.idle_at[card] <= time_ms:
                return card, seen
        return None

    def _bank(self) -> int:
        return int(np.searchsorted(self._bank_shares[:-1], self._rng.random(), side="right"))

    def _any(self) -> int:
        bank = self._bank()
        return int(self._rng.integers(self._edges[bank], self._edges[bank + 1]))

    def _just_used(self, time_ms: int) -> int | None:
        if not len(self._recent):
            return None
        card = int(self._rng.choice(self._recent))
        last_ms = self._activity.last_ms[card]
        return card if last_ms != NEVER and last_ms <= time_ms else None

    def _companion(self, card: int) -> int | None:
        """Return another card of the user that is in use."""
        cards = self.cards_of_same_user(card)
        others = [
            other
            for other in range(cards.start, cards.stop)
            if other != card and not self._activity.dormant[other]
        ]
        return others[int(self._rng.integers(len(others)))] if others else None

    def _dormant(self, time_ms: int) -> tuple[int, int] | None:
        bank = self._bank()
        first, last = int(self._edges[bank]), int(self._edges[bank + 1])
        unused = self._activity.dormant[first:last] & (
            self._activity.idle_at[first:last] <= time_ms
        )
        cards = np.flatnonzero(unused)
        if not len(cards):
            return None
        card = first + int(self._rng.choice(cards))
        return card, card
