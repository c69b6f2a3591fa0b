"""What the job is told of a stream, and when: nothing of what is still to come."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from benchmarks.scorecard.protocol import Step, edges_of, heard_in_steps, steps
from tests.unit.model.paying import BEGINS_MS, DELAY_MS, paid, payments_of, stream

from cardwatch_local.training.payments import DAY_MS, FRAUDULENT, GENUINE, UNKNOWN, Paid, Payments

_DAYS = 40
_ENDS_MS = BEGINS_MS + _DAYS * DAY_MS
_HALF = 17
_HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def payments() -> Payments:
    return stream(payments=2_000, days=_DAYS)


def _steps(payments: Payments, *, begins_ms: int = BEGINS_MS, step_ms: int = DAY_MS) -> list[Step]:
    return list(steps(payments, _edges(begins_ms, step_ms)))


def _edges(begins_ms: int, step_ms: int) -> list[int]:
    return [*range(begins_ms, _ENDS_MS, step_ms), _ENDS_MS]


def _told(payments: Payments, step: Step) -> tuple[list[tuple[str, int]], list[Paid]]:
    """Return all that a step tells the job, apart from where it stands in the columns."""
    heard, paying = payments.where(step.labels), payments.where(step.payments)
    labels = list(zip(heard.transaction_id.tolist(), heard.label.tolist(), strict=True))
    return labels, list(paying.rows())


@pytest.mark.parametrize("step_ms", [DAY_MS, DAY_MS // 4, 1_000_003])
def test_every_payment_comes_once_and_in_its_order(payments: Payments, step_ms: int) -> None:
    rows = np.concatenate([step.payments for step in _steps(payments, step_ms=step_ms)])

    assert rows.tolist() == list(range(len(payments)))


@pytest.mark.parametrize("step_ms", [DAY_MS, DAY_MS // 4, 1_000_003])
def test_a_label_comes_at_the_first_step_that_does_not_begin_before_its_time(
    payments: Payments, step_ms: int
) -> None:
    heard: list[int] = []
    for step in _steps(payments, step_ms=step_ms):
        known_at = payments.known_at[step.labels]
        assert (known_at <= step.begins_ms).all()
        assert (known_at > step.begins_ms - step_ms).all()
        assert (payments.event_time[step.labels] <= step.begins_ms - DELAY_MS).all()
        heard += step.labels.tolist()

    due = np.flatnonzero(payments.known_at <= _steps(payments, step_ms=step_ms)[-1].begins_ms)
    assert heard == due.tolist()
    assert len(heard) > len(payments) // 2


def test_whatever_is_still_to_come_changes_nothing_that_was_told(payments: Payments) -> None:
    now_ms = BEGINS_MS + _HALF * DAY_MS
    before = [_told(payments, step) for step in _steps(payments)[:_HALF]]
    to_come = payments.event_time >= now_ms
    unheard = payments.known_at > now_ms
    draws = Random(1)
    order = np.arange(len(payments))
    order[to_come] = draws.sample(order[to_come].tolist(), int(to_come.sum()))
    shuffled = replace(
        payments.where(order),
        event_time=payments.event_time,  # others pay, at these times
        known_at=payments.known_at,
        label=np.where(unheard, GENUINE + FRAUDULENT - payments.label, payments.label),
    )

    after = [_told(shuffled, step) for step in _steps(shuffled)[:_HALF]]

    assert after == before
    assert _told(shuffled, _steps(shuffled)[-1]) != _told(payments, _steps(payments)[-1])


def test_what_was_paid_before_the_beginning_is_never_mentioned(payments: Payments) -> None:
    begins_ms = BEGINS_MS + 3 * DAY_MS + 1
    told = _steps(payments, begins_ms=begins_ms)

    assert told[0].begins_ms == begins_ms
    for step in told:
        for rows in (step.labels, step.payments):
            assert (payments.event_time[rows] >= begins_ms).all()


def test_of_what_nobody_knows_no_label_comes() -> None:
    rows = [paid(number) for number in range(3)]
    payments = payments_of(rows, [GENUINE, UNKNOWN, FRAUDULENT])

    heard = [step.labels.tolist() for step in _steps(payments)]

    assert [row for rows_heard in heard for row in rows_heard] == [0, 2]


def test_the_last_step_ends_where_the_stream_is_to_end() -> None:
    payments = payments_of([paid(0), paid(30), paid(31)], [GENUINE] * 3)

    told = list(steps(payments, [BEGINS_MS, BEGINS_MS + DAY_MS, BEGINS_MS + 31 * _HOUR_MS]))

    assert [step.payments.tolist() for step in told] == [[0], [1]]


@pytest.mark.parametrize(
    ("turn_h", "hours"),
    [
        (48, [0, 24, 48, 54, 60, 65]),
        (30, [0, 24, 30, 36, 42, 48, 54, 60, 65]),
        (-5, [0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 65]),
        (99, [0, 24, 48, 65]),
    ],
)
def test_steps_become_finer(turn_h: int, hours: list[int]) -> None:
    edges = edges_of(
        0,
        65 * _HOUR_MS,
        step_ms=DAY_MS,
        finer_from_ms=turn_h * _HOUR_MS,
        finer_step_ms=6 * _HOUR_MS,
    )

    assert [edge // _HOUR_MS for edge in edges] == hours


@pytest.mark.parametrize("step_ms", [DAY_MS, DAY_MS // 4, 1_000_003])
def test_a_replay_hears_labels_when_the_job_does(payments: Payments, step_ms: int) -> None:
    heard = heard_in_steps(payments, _edges(BEGINS_MS, step_ms))

    told, again = _steps(payments, step_ms=step_ms), _steps(heard, step_ms=step_ms)

    assert [step.labels.tolist() for step in again] == [step.labels.tolist() for step in told]
    for step in told:
        assert (heard.known_at[step.labels] == step.begins_ms).all()
    unheard = payments.known_at > told[-1].begins_ms
    assert unheard.any()
    assert (heard.known_at[unheard] >= told[-1].ends_ms).all(), "nor in the last step"
