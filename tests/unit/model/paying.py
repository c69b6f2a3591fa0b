"""A small stream with compromised merchants, for tests of models."""

from random import Random
from typing import Any

import numpy as np

from cardwatch_job.model.lessons import Lesson
from cardwatch_local.training.payments import DAY_MS, FRAUDULENT, GENUINE, Paid, Payments

BEGINS_MS = 1_530_403_200_000  # 2018-07-01
DELAY_MS = 7 * DAY_MS


def paid(number: int = 0, **changed: Any) -> Paid:
    """One payment of 20.00 by user `u` at merchant `m`, an hour after the one before it."""
    payment = Paid(
        transaction_id=f"t{number}",
        event_time=BEGINS_MS + number * 3_600_000,
        user_id="u",
        merchant_id="m",
        merchant_category="food",
        amount_minor=2_000,
        latitude=48.0,
        longitude=2.0,
    )
    return payment._replace(**changed)


def lesson(
    payment: Paid,
    *,
    fraudulent: bool = True,
    amount_deviations: float = 0.0,
    given_at: int | None = None,
    user_id: str | None = None,
) -> Lesson:
    """An analyst's word on a payment, `DELAY_MS` after it."""
    return Lesson(
        user_id or payment.user_id,
        payment.transaction_id,
        payment.merchant_id,
        payment.event_time,
        fraudulent,
        amount_deviations,
        payment.event_time + DELAY_MS if given_at is None else given_at,
    )


def stream(*, seed: int = 7, payments: int = 4_000, days: int = 40) -> Payments:
    """Payments of 60 users at 40 merchants, three of them compromised from the tenth day on."""
    draws = Random(seed)
    rows, labels = [], []
    for number in range(payments):
        at_ms = BEGINS_MS + number * days * DAY_MS // payments
        user, merchant = draws.randrange(60), draws.randrange(40)
        amount = max(100, round(draws.gauss(1_000 + 100 * user, 300)))
        stolen = draws.random() < 0.01
        compromised = merchant < 3 and at_ms >= BEGINS_MS + 10 * DAY_MS
        rows.append(
            paid(
                number,
                event_time=at_ms,
                user_id=f"u{user}",
                merchant_id=f"m{merchant}",
                amount_minor=6 * amount if stolen else amount,
            )
        )
        labels.append(FRAUDULENT if stolen or compromised else GENUINE)
    return payments_of(rows, labels)


def payments_of(rows: list[Paid], labels: list[int], delay_ms: int = DELAY_MS) -> Payments:
    """Return payments as columns; their labels are known `delay_ms` later."""
    columns = dict(zip(Paid._fields, zip(*rows, strict=True), strict=True))
    times = np.array(columns["event_time"], np.int64)
    texts = ("transaction_id", "user_id", "merchant_id", "merchant_category")
    return Payments(
        **{name: np.array(columns[name], object) for name in texts},
        event_time=times,
        amount_minor=np.array(columns["amount_minor"], np.int64),
        latitude=np.array(columns["latitude"], np.float64),
        longitude=np.array(columns["longitude"], np.float64),
        label=np.array(labels, np.int64),
        known_at=times + delay_ms,
    )
