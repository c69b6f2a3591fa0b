"""A model for the simulated stream, trained on one that others' cards make."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.cardholder import build_population
from cardwatch_generator.seed import history
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.stream import TransactionStream
from cardwatch_job.model.artefact import Artefact
from cardwatch_local.progress import StepListener
from cardwatch_local.training.payments import FRAUDULENT, GENUINE, Paid, Payments
from cardwatch_local.training.replay import replay
from cardwatch_local.training.train import Wanted, rows_of, train

_THRESHOLD: Final = 0.5
"""A risk. From here on a payment is more likely one of a scenario than not."""


def model_for(settings: GeneratorSettings, listener: StepListener) -> Artefact:
    """Train boosted trees on a stream with all labels known at its end; none is heard before.

    Raises:
        StackError: there is too little to learn from.
    """
    assert settings.start_ms is not None and settings.duration_s is not None, "it has an end"
    payments = _payments(settings)
    ends_ms = settings.start_ms + round(settings.duration_s * 1000)
    wanted = Wanted(
        name="generated",
        kind="boostedTrees",
        with_labels=False,
        begins_ms=settings.start_ms,
        ends_ms=ends_ms,
        known_until_ms=ends_ms,
        threshold=_THRESHOLD,
        seed=settings.seed,
    )
    replayed = replay(payments, payments.event_time >= settings.start_ms, steps=listener)
    return train(rows_of(payments, replayed, wanted), wanted, listener)


def _payments(settings: GeneratorSettings) -> Payments:
    rows = [(_paid(txn), FRAUDULENT if txn.label else GENUINE) for txn in _transactions(settings)]
    columns = dict(zip(Paid._fields, zip(*(paid for paid, _ in rows), strict=True), strict=True))
    times = np.array(columns["event_time"], np.int64)
    texts = ("transaction_id", "user_id", "merchant_id", "merchant_category")
    return Payments(
        **{name: np.array(columns[name], object) for name in texts},
        event_time=times,
        amount_minor=np.array(columns["amount_minor"], np.int64),
        latitude=np.array(columns["latitude"], np.float64),
        longitude=np.array(columns["longitude"], np.float64),
        label=np.array([label for _, label in rows], np.int64),
        known_at=np.full(len(rows), times.max() + 1, np.int64),
    ).in_order()


def _transactions(settings: GeneratorSettings) -> Iterator[Transaction]:
    assert settings.start_ms is not None, "checked before"
    population = build_population(settings)
    for batch in history(settings, population, start_ms=settings.start_ms):
        yield from batch.transactions
    stream = TransactionStream(settings, start_ms=settings.start_ms, population=population)
    for batch in stream:
        yield from batch.transactions


def _paid(txn: Transaction) -> Paid:
    return Paid(*(getattr(txn, name) for name in Paid._fields))
