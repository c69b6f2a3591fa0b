"""What the job is told, and when: payments in order, each label only after its delay. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cardwatch_local.training.payments import UNKNOWN, Payments

Rows = NDArray[np.int64]
"""Payments by their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stretch of event time. Milliseconds since 1970-01-01 UTC, the end exclusive.

    The job hears `labels` first, and only then gets `payments`.
    """

    begins_ms: int
    ends_ms: int
    labels: Rows
    """Payments whose labels became known by the beginning, and not by that of the step before."""
    payments: Rows
    """Payments of this step, by event time."""


def steps(payments: Payments, *, begins_ms: int, ends_ms: int, step_ms: int) -> Iterator[Step]:
    """Cut a stream into steps of `step_ms`; what was paid before `begins_ms` is never mentioned.

    Args:
        payments: By event time.
        begins_ms: Where the first step begins.
        ends_ms: Where the last one ends; it may be shorter.
        step_ms: Length of a step. Milliseconds, > 0.
    """
    times = payments.event_time
    sent = (times >= begins_ms) & (times < ends_ms)
    told = np.flatnonzero(sent & (payments.label != UNKNOWN))
    told = told[np.argsort(payments.known_at[told], kind="stable")]
    known_at = payments.known_at[told]
    heard = 0
    for begin_ms in range(begins_ms, ends_ms, step_ms):
        end_ms = min(begin_ms + step_ms, ends_ms)
        first, last = np.searchsorted(times, (begin_ms, end_ms))
        known = int(np.searchsorted(known_at, begin_ms, side="right"))
        yield Step(
            begins_ms=begin_ms,
            ends_ms=end_ms,
            labels=told[heard:known],
            payments=np.arange(first, last),
        )
        heard = known


def heard_in_steps(payments: Payments, *, begins_ms: int, step_ms: int) -> Payments:
    """Return the payments with labels known when the job hears them: at the next step's beginning.

    A replay outside of the job that takes these hears what the job hears, when it does.
    """
    late = -((begins_ms - payments.known_at) // step_ms)
    return replace(payments, known_at=begins_ms + late * step_ms)
