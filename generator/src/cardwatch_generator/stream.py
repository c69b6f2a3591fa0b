"""The simulated stream: genuine and fraudulent transactions in the order of event time."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from cardwatch_generator.activity import CardActivity
from cardwatch_generator.baselines import Baselines
from cardwatch_generator.batches import BatchBuilder, TransactionBatch
from cardwatch_generator.cardholder import Population, build_population
from cardwatch_generator.genuine import GenuineTraffic
from cardwatch_generator.injection import Injector
from cardwatch_generator.payments import PAYMENT, Payments, in_order
from cardwatch_generator.settings import GeneratorSettings

_BATCH: Final = 4_000
_LONGEST_BATCH_MS: Final = 1_000


class TransactionStream:
    """Yields batches without end, or until `settings.duration_s` has passed in event time.

    The same settings, start and baselines give the same transactions. `baselines` are what
    scenarios know of a card; where they know nothing, and without them, the simulation's own
    parameters take their place. `population`, where it is at hand, must be that of `settings`.
    """

    def __init__(
        self,
        settings: GeneratorSettings,
        *,
        start_ms: int,
        baselines: Baselines | None = None,
        population: Population | None = None,
    ) -> None:
        self.population = population or build_population(settings)
        self.start_ms = start_ms
        self._settings = settings
        self._activity = CardActivity(self.population)
        self._genuine = GenuineTraffic(settings, self.population, self._activity, start_ms=start_ms)
        self._injector = Injector(
            settings,
            self.population,
            self._activity,
            baselines,
            start_ms=start_ms,
            rest_ms=self._genuine.rest_ms,
        )
        self._builder = BatchBuilder(settings, self.population, start_ms=start_ms, series="")
        self._pending: Payments = np.zeros(0, PAYMENT)
        ideal_ms = int(_BATCH / settings.tps * 1000)
        self.batch_ms = max(1, min(_LONGEST_BATCH_MS, ideal_ms, self._genuine.rest_ms))
        """Event time that a batch covers; cards rest longer, so none pays twice in a batch."""

    def __iter__(self) -> Iterator[TransactionBatch]:
        for payments in self.payments():
            yield self._builder.build(payments)

    def payments(self) -> Iterator[Payments]:
        """Yield what `__iter__` does, as arrays before ids are given."""
        end_ms = None
        if self._settings.duration_s is not None:
            end_ms = self.start_ms + max(1, round(self._settings.duration_s * 1000))
        now_ms = self.start_ms
        while end_ms is None or now_ms < end_ms:
            next_ms = now_ms + self.batch_ms
            if end_ms is not None:
                next_ms = min(next_ms, end_ms)
            yield self._between(now_ms, next_ms)
            now_ms = next_ms

    def _between(self, start_ms: int, end_ms: int) -> Payments:
        """Return everything in `[start_ms, end_ms)`; frauds first, so that their cards rest."""
        frauds = self._injector.between(start_ms, end_ms)
        genuine, sequels = self._genuine.between(start_ms, end_ms)
        everything = in_order([self._pending, genuine, sequels, frauds])
        until = int(np.searchsorted(everything["time_ms"], end_ms))
        due, self._pending = everything[:until], everything[until:]
        self._activity.learn(due)
        self._injector.victims.saw(due[due["scenario"] < 0])
        return due
