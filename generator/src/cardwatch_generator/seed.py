"""What is there before the stream begins: the cards on record and their history."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_generator.batches import BatchBuilder, TransactionBatch
from cardwatch_generator.cardholder import Population
from cardwatch_generator.payments import Payments, in_order
from cardwatch_generator.purchases import purchases
from cardwatch_generator.randomness import Purpose, generator_for
from cardwatch_generator.settings import GeneratorSettings

_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_FEWEST, _MOST = 6, 9
_SPAN_MS: Final = 60 * _DAY_MS
_QUIET_BEFORE_START_MS: Final = _HOUR_MS
_DORMANT_D: Final = (95.0, 200.0)
_BATCH: Final = 4_000


def history(
    settings: GeneratorSettings, population: Population, *, start_ms: int
) -> Iterator[TransactionBatch]:
    """Yield 6 to 9 genuine transactions of each card in the order of event time.

    They lie in the 60 days up to an hour before `start_ms`, those of dormant cards in the 60 days
    up to their last one, 95 to 200 days before.
    """
    payments = past_payments(settings, population, start_ms=start_ms)
    yield from past_transactions(settings, population, payments, start_ms=start_ms)


def past_transactions(
    settings: GeneratorSettings, population: Population, payments: Payments, *, start_ms: int
) -> Iterator[TransactionBatch]:
    """Yield what `past_payments` returned as transactions, a few thousand at a time."""
    builder = BatchBuilder(settings, population, start_ms=start_ms, series="h")
    for first in range(0, len(payments), _BATCH):
        yield builder.build(payments[first : first + _BATCH])


def past_payments(
    settings: GeneratorSettings, population: Population, *, start_ms: int
) -> Payments:
    """Return the payments of `history` as one array."""
    rng = generator_for(settings.seed, Purpose.HISTORY, start_ms)
    everyone = len(population)
    counts = rng.integers(_FEWEST, _MOST + 1, everyone)
    cards = np.repeat(np.arange(everyone), counts)
    ends_ms = np.full(everyone, start_ms - _QUIET_BEFORE_START_MS)
    silence_ms = (rng.uniform(*_DORMANT_D, everyone) * _DAY_MS).astype(np.int64)
    ends_ms[population.dormant] = start_ms - silence_ms[population.dormant]
    times_ms = ends_ms[cards] - _ages_ms(counts, rng)
    _leave_out_transits(population, cards, times_ms)
    order = np.argsort(times_ms, kind="stable")
    return in_order([purchases(population, cards[order], times_ms[order], rng)])


def _ages_ms(counts: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Spread each card's payments over the span: one in each of as many equal slots.

    A fifth of a slot stays free between two payments, more than a day: no history is too fast.
    """
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    slot = _SPAN_MS / np.repeat(counts, counts)
    return np.asarray((within + rng.uniform(0.0, 0.8, len(within))) * slot, dtype=np.int64)


def _leave_out_transits(
    population: Population, cards: NDArray[np.int64], times_ms: NDArray[np.int64]
) -> None:
    """Move payments out of journeys, to before the departure, in place."""
    moving = np.arange(len(cards))
    while len(moving):
        _, still = population.trips.at(cards[moving], times_ms[moving])
        moving = moving[still]
        times_ms[moving] -= _HOUR_MS
