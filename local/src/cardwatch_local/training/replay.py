"""Payments through the job's own features, one after another, with labels that come late."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.lessons import Heard, Lesson
from cardwatch_job.model.memory import Memory
from cardwatch_local.progress import SilentListener, StepListener
from cardwatch_local.training.payments import FRAUDULENT, UNKNOWN, Payments

_SAY_EVERY = 20_000
Alerts = Callable[["array[float]"], bool]
"""Says whether a payment with these features raises an alert."""


def never(_features: "array[float]") -> bool:
    """Raise no alert."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Features of the payments that were wanted."""

    rows: NDArray[np.int64]
    """Which payments."""
    features: NDArray[np.float32]
    """One row a payment, one column a feature of `FEATURES`."""
    heard: Counter[Heard] = field(default_factory=Counter)
    """What became of the labels, at the merchants."""


def replay(
    payments: Payments,
    wanted: NDArray[np.bool_],
    *,
    memory: Memory | None = None,
    alerts: Alerts = never,
    steps: StepListener | None = None,
) -> Replayed:
    """Work out the features of the `wanted` payments; all before them are learned from.

    A label is heard once its time has come, before the first payment that is not earlier, and after
    its own. It brings how far the amount was over the usual, as an alert and its feedback do.

    Args:
        payments: By event time.
        wanted: Whose features are asked for; one for each payment.
        memory: What is known before the first; it is taught.
        alerts: Which payments raise an alert, and teach no habit until a label says genuine.
        steps: Follows how far it is.
    """
    memory = memory if memory is not None else Memory()
    steps = steps or SilentListener()
    heard: Counter[Heard] = Counter()
    rows = np.flatnonzero(wanted)
    features = np.empty((len(rows), len(FEATURES)), np.float32)
    deviations = np.empty(len(payments), np.float32)
    labels = _labels(payments)
    label = next(labels, None)
    at = 0
    steps.started("replay payments", len(payments))
    for number, (payment, asked) in enumerate(zip(payments.rows(), wanted.tolist(), strict=True)):
        while label is not None and label[0] <= payment.event_time and label[1] < number:
            _, row, lesson = label
            lesson = lesson._replace(amount_deviations=float(deviations[row]))
            heard[memory.hear(lesson)] += 1
            label = next(labels, None)
        alerted = False
        if asked or alerts is not never:
            vector = memory.look(payment)
            alerted = alerts(vector)
            if asked:
                features[at] = vector
                at += 1
        deviations[number] = memory.learn(payment, alerted=alerted)
        if number % _SAY_EVERY == 0:
            steps.advanced("replay payments", number)
    steps.finished("replay payments")
    return Replayed(rows=rows, features=features, heard=heard)


def _labels(payments: Payments) -> Iterator[tuple[int, int, Lesson]]:
    """Give what becomes known, in the order in which it does: when, of which row, and what.

    Nothing becomes known before the payment itself. How far the amount was over the usual is left
    open.
    """
    known = np.flatnonzero(payments.label != UNKNOWN)
    heard_ms = np.maximum(payments.known_at[known], payments.event_time[known])
    for at in np.argsort(heard_ms, kind="stable").tolist():
        row = int(known[at])
        lesson = Lesson(
            str(payments.user_id[row]),
            str(payments.transaction_id[row]),
            str(payments.merchant_id[row]),
            int(payments.event_time[row]),
            bool(payments.label[row] == FRAUDULENT),
            0.0,
            int(payments.known_at[row]),
        )
        yield int(heard_ms[at]), row, lesson
