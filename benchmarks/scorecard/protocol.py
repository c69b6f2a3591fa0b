"""What the job is told, and when: payments in order, each label only after its delay. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

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


def edges_of(
    begins_ms: int, ends_ms: int, *, step_ms: int, finer_from_ms: int, finer_step_ms: int
) -> list[int]:
    """Return where steps begin, and where the last one ends.

    Args:
        begins_ms: Where the first step begins.
        ends_ms: Where the last one ends; it may be shorter.
        step_ms: Length of a step at first. Milliseconds, > 0.
        finer_from_ms: A step begins here, and from here on they are of another length.
        finer_step_ms: That length. Milliseconds, > 0.
    """
    turn_ms = min(max(begins_ms, finer_from_ms), ends_ms)
    coarse = range(begins_ms, turn_ms, step_ms)
    return [*coarse, *range(turn_ms, ends_ms, finer_step_ms), ends_ms]


def steps(payments: Payments, edges: Sequence[int]) -> Iterator[Step]:
    """Cut a stream into steps; what was paid before the first is never mentioned.

    Args:
        payments: By event time.
        edges: Where each step begins, and the end of the last, rising. Milliseconds.
    """
    times = payments.event_time
    sent = (times >= edges[0]) & (times < edges[-1])
    told = np.flatnonzero(sent & (payments.label != UNKNOWN))
    told = told[np.argsort(payments.known_at[told], kind="stable")]
    known_at = payments.known_at[told]
    heard = 0
    for begins_ms, ends_ms in pairwise(edges):
        first, last = np.searchsorted(times, (begins_ms, ends_ms))
        known = int(np.searchsorted(known_at, begins_ms, side="right"))
        yield Step(
            begins_ms=begins_ms,
            ends_ms=ends_ms,
            labels=told[heard:known],
            payments=np.arange(first, last),
        )
        heard = known


def heard_in_steps(payments: Payments, edges: Sequence[int]) -> Payments:
    """Return the payments with labels known when the job hears them: at a step's beginning.

    A replay outside of the job that takes these hears what the job hears, when it does. Labels that
    are known after the last step has begun are not heard before its end.
    """
    places = np.searchsorted(np.array(edges, np.int64), payments.known_at)
    heard_at = np.append(np.array(edges, np.int64), 0)[places]
    known_at = np.where(places < len(edges), heard_at, payments.known_at)
    return replace(payments, known_at=known_at.astype(np.int64))
