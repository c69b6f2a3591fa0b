"""Puts episodes of fraud into the stream: how many, of which kind, on which cards."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cardwatch_contracts.card import CardProfile
from cardwatch_generator.activity import NEVER, CardActivity
from cardwatch_generator.acts import Case
from cardwatch_generator.baselines import Baselines, SimulatedBaselines
from cardwatch_generator.cardholder import Population
from cardwatch_generator.payments import Payments, in_order
from cardwatch_generator.places import distances_km
from cardwatch_generator.randomness import Purpose, generator_for
from cardwatch_generator.scenarios import CATALOGUE, Victim
from cardwatch_generator.settings import SCENARIOS, GeneratorSettings
from cardwatch_generator.victims import Victims

_DAY_MS: Final = 86_400_000
_LAST_PLACE_IS_VALID_MS: Final = 30 * _DAY_MS
_SILENCE_MS: Final = 90 * _DAY_MS
_TOWN_KM: Final = 50.0
_SERIES_LENGTH: Final = 4.0
_RETURN_KMH: Final = 800.0
_NOTICED_SHARE: Final = 0.85
"""How often the bank notices a card that is used far away and blocks the user's cards for the
time of a journey. Otherwise the cardholder pays at home at once, and looks suspicious too."""
_BLOCKED_SHARE: Final = 0.15
"""At most this share of the cards is blocked at a time, so that the others need not pay for all."""


@dataclass(frozen=True, slots=True)
class _Plan:
    scenario: str
    card: int
    seen: int
    """The card by which the whereabouts are known."""
    start_ms: int


class Injector:
    """Draws the fraudulent payments of the stream."""

    def __init__(
        self,
        settings: GeneratorSettings,
        population: Population,
        activity: CardActivity,
        baselines: Baselines | None,
        *,
        start_ms: int,
        rest_ms: int,
    ) -> None:
        self._rest_ms = rest_ms
        self._may_block = True
        self._population = population
        self._activity = activity
        self._simulated = SimulatedBaselines(population, activity)
        self._baselines = baselines
        self._rng = generator_for(settings.seed, Purpose.SCENARIOS, start_ms)
        self.victims = Victims(population, activity, self._rng)
        self._names = tuple(settings.weights)
        weights = np.array(tuple(settings.weights.values()))
        self._weights = weights / weights.sum()
        lengths = np.array([CATALOGUE[name].mean_length for name in self._names])
        self._per_ms = settings.tps * settings.anomaly_share / float(self._weights @ lengths) / 1000
        # Series go first: they take a minute to become suspicious, and a short run shall show one.
        self._turns = self._weights * (lengths > _SERIES_LENGTH)

    def between(self, start_ms: int, end_ms: int) -> Payments:
        """Return payments of the episodes that begin in `[start_ms, end_ms)`, in order.

        Some lie after `end_ms`. The cards of an episode are taken until it is over.
        """
        blocked = np.count_nonzero(self._activity.free_at > start_ms + self._rest_ms)
        self._may_block = bool(blocked < _BLOCKED_SHARE * len(self._population))
        count = self._rng.poisson(self._per_ms * (end_ms - start_ms))
        times_ms = np.sort(self._rng.integers(start_ms, end_ms, size=count)).tolist()
        plans = [plan for plan in map(self._plan, times_ms) if plan is not None]
        ids = [self._population.card_ids[plan.card] for plan in plans]
        known = self._baselines.lookup(ids) if self._baselines and ids else {}
        episodes = []
        for plan, card_id in zip(plans, ids, strict=True):
            payments = self._play(plan, known.get(card_id))
            if payments is not None:
                episodes.append(payments)
        return in_order(episodes)

    def _plan(self, time_ms: int) -> _Plan | None:
        """Choose the scenario whose turn it is and a card for it; take the next if none fits.

        Taking turns, with a random order inside each round, shows every scenario even in a short
        run without changing how often each occurs.
        """
        self._turns = np.minimum(self._turns + self._weights, 2.0)
        urgency = self._turns + self._rng.random(len(self._turns)) * self._weights
        for place in np.argsort(-urgency, kind="stable").tolist():
            if not self._weights[place]:
                continue
            scenario = self._names[place]
            found = self.victims.choose(CATALOGUE[scenario].victim, time_ms)
            if found is not None:
                card, seen = found
                self._turns[place] -= 1.0
                self._activity.idle_at[card] = np.iinfo(np.int64).max
                return _Plan(scenario, card, seen, time_ms)
        return None

    def _play(self, plan: _Plan, known: CardProfile | None) -> Payments | None:
        """Carry a plan out; None where a card taken for dormant turns out to be in use."""
        scenario = CATALOGUE[plan.scenario]
        if scenario.victim is Victim.DORMANT and _in_use(known, plan.start_ms):
            return None
        case = self._case(plan, known)
        payments = scenario.act(case)
        payments["scenario"] = SCENARIOS.index(plan.scenario)
        self._take(plan, case, payments)
        return payments

    def _case(self, plan: _Plan, known: CardProfile | None) -> Case:
        """Gather what is known: from the baselines, and where they know nothing, simulated."""
        simulated = self._simulated.profile(plan.card)
        profile = known or simulated
        latitude, longitude, last_ms = self._place(plan, profile, simulated)
        return Case(
            rng=self._rng,
            card=plan.card,
            start_ms=plan.start_ms,
            average_minor=profile.average_amount_minor or simulated.average_amount_minor or 1.0,
            limit_minor=profile.card_limit_minor or simulated.card_limit_minor or 1,
            latitude=latitude,
            longitude=longitude,
            last_ms=last_ms,
        )

    def _place(
        self, plan: _Plan, profile: CardProfile, simulated: CardProfile
    ) -> tuple[float, float, int | None]:
        """Return where the holder was last and when: in this stream, by the baselines, at home."""
        activity, seen = self._activity, plan.seen
        last_ms = int(activity.last_ms[seen])
        if last_ms != NEVER:
            return (
                float(activity.last_latitude[seen]),
                float(activity.last_longitude[seen]),
                last_ms,
            )
        recent_ms = plan.start_ms - _LAST_PLACE_IS_VALID_MS
        for north, east, time_ms in (
            (profile.last_latitude, profile.last_longitude, profile.last_event_time or 0),
            (profile.home_latitude, profile.home_longitude, recent_ms),
        ):
            if north is not None and east is not None and time_ms >= recent_ms:
                return north, east, None
        return simulated.home_latitude or 0.0, simulated.home_longitude or 0.0, None

    def _take(self, plan: _Plan, case: Case, payments: Payments) -> None:
        """Keep the card, or all of the user's, from other payments for a while."""
        last = payments[-1]
        until_ms = int(last["time_ms"]) + self._rest_ms
        self._keep(slice(plan.card, plan.card + 1), until_ms)
        if not self._activity.dormant[plan.card]:
            self._activity.idle_at[plan.card] = until_ms
        km = float(
            distances_km(
                case.latitude, case.longitude, float(last["latitude"]), float(last["longitude"])
            )
        )
        if km > _TOWN_KM and self._may_block and self._rng.random() < _NOTICED_SHARE:
            journey_ms = int(km / _RETURN_KMH * 3_600_000)
            self._keep(self.victims.cards_of_same_user(plan.card), until_ms + journey_ms)

    def _keep(self, cards: slice, until_ms: int) -> None:
        activity = self._activity
        activity.free_at[cards] = np.maximum(activity.free_at[cards], until_ms)
        activity.idle_at[cards] = np.maximum(activity.idle_at[cards], until_ms)


def _in_use(known: CardProfile | None, time_ms: int) -> bool:
    """Whether the job has seen the card within the last 90 days."""
    return (
        known is not None
        and known.last_event_time is not None
        and time_ms - known.last_event_time < _SILENCE_MS
    )
