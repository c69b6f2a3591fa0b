"""Genuine payments that follow another at once: second tries and quick errands."""

from typing import Final

import numpy as np

from cardwatch_generator.cardholder import Population
from cardwatch_generator.habits import CATEGORIES, CONTACTLESS
from cardwatch_generator.payments import PAYMENT, Payments, city_of, in_order, merchants_at, scatter

_DOUBLE_SHARE: Final = 0.003
"""The cardholder forgot something and pays again at the same till."""
_DOUBLE_GAP_S: Final = (4.0, 55.0)
_ERRANDS_SHARE: Final = 0.0003
"""Bakery, kiosk, parking: a run of small payments without PIN."""
_ERRANDS: Final = 4  # at most; the first payment comes on top
_ERRANDS_GAP_S: Final = (20.0, 130.0)

SEQUELS_PER_PAYMENT: Final = _DOUBLE_SHARE + _ERRANDS_SHARE * (2 + _ERRANDS) / 2
"""Mean number of sequels to a payment."""

_CHEAP: Final = np.array(
    [index for index, kind in enumerate(CATEGORIES) if kind.amount < 0.5 and kind.online == 0]
)


def sequels(population: Population, payments: Payments, rng: np.random.Generator) -> Payments:
    """Return the sequels to some of `payments`, in the order of event time."""
    draws = rng.random(len(payments))
    repeatable = payments["amount_minor"] > 0
    doubles = payments[(draws < _DOUBLE_SHARE) & repeatable].copy()
    _pay_again(doubles, rng)
    firsts = payments[draws > 1 - _ERRANDS_SHARE]
    runs = [_errands(population, first, rng) for first in firsts]
    return in_order([doubles, *runs])


def _pay_again(doubles: Payments, rng: np.random.Generator) -> None:
    """Move copies of payments a little later, with amounts of their own."""
    gaps_ms = rng.uniform(*_DOUBLE_GAP_S, len(doubles)) * 1000
    doubles["time_ms"] += gaps_ms.astype(np.int64)
    share = rng.uniform(0.1, 1.0, len(doubles))
    doubles["amount_minor"] = np.maximum(1, doubles["amount_minor"] * share).astype(np.int64)


def _errands(population: Population, first: np.void, rng: np.random.Generator) -> Payments:
    """Return two to four small payments without PIN near `first`."""
    count = int(rng.integers(2, _ERRANDS + 1))
    run = np.repeat(np.asarray(first, dtype=PAYMENT).reshape(1), count)
    run["time_ms"] += np.cumsum(rng.uniform(*_ERRANDS_GAP_S, count) * 1000).astype(np.int64)
    usual = population.mean_minor[int(first["card"])]
    run["amount_minor"] = np.rint(usual * rng.uniform(0.1, 0.5, count)).clip(1)
    run["merchant"] = merchants_at(
        city_of(run["merchant"]), rng.choice(_CHEAP, count), np.zeros(count, np.bool_), rng
    )
    run["latitude"], run["longitude"] = scatter(
        float(first["latitude"]), float(first["longitude"]), count, rng
    )
    run["pin_used"] = False
    run["channel"] = CONTACTLESS
    return run
