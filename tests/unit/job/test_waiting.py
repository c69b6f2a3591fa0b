import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.transactions import NOON_MS, make_transaction

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors.history import encode_user
from cardwatch_job.judge import Judge
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.reference import UsersInMemory, alerts_of
from cardwatch_job.rules import Rules
from cardwatch_job.users import UsersOfBucket

_BOUND_MS = 60_000


def _stream(seed: int, size: int) -> list[Transaction]:
    """Transactions of three users, in order of event time, no two of them at one time."""
    draw = random.Random(seed)
    time_ms, stream = NOON_MS, []
    for number in range(size):
        time_ms += draw.randrange(1, 20_000)
        stream.append(
            make_transaction(
                transaction_id=f"t-{number}",
                event_time=time_ms,
                user_id=f"u{draw.randrange(3)}",
                amount_minor=draw.choice((-5, 900, 9_500, 90_000, 2_000_000)),
                pin_used=draw.random() < 0.3,
            )
        )
    return stream


def _record(txn: Transaction) -> InputRecord:
    return InputRecord(
        topic="transactions",
        key=txn.user_id.encode(),
        value=encode(txn),
        partition=0,
        offset=0,
        timestamp_ms=NOON_MS + 10**9,
    )


def _judged(stream: list[Transaction], *, wait_ms: int) -> tuple[dict[str, Alert], Judge]:
    judge, users = Judge(Rules(), out_of_orderness_ms=wait_ms), UsersInMemory()
    outputs: list[OutputRecord] = []
    for txn in stream:
        outputs.extend(judge.process(_record(txn), users))
    outputs.extend(judge.release(users))
    return alerts_of(outputs), judge


@given(st.integers(0, 10**6), st.integers(0, 60))
def test_what_is_out_of_order_within_the_bound_is_judged_as_if_it_were_not(
    seed: int, size: int
) -> None:
    stream = _stream(seed, size)
    draw = random.Random(seed)
    delay = {txn.transaction_id: draw.randrange(_BOUND_MS) for txn in stream}
    shuffled = sorted(stream, key=lambda txn: txn.event_time + delay[txn.transaction_id])

    alerts, judge = _judged(shuffled, wait_ms=_BOUND_MS)

    assert alerts == _judged(stream, wait_ms=0)[0]
    assert judge.counts.late == 0
    assert judge.counts.judged == size


def test_what_is_later_than_the_bound_is_judged_at_once_and_counted() -> None:
    first = make_transaction(transaction_id="t-1", after_s=1000)
    late = make_transaction(transaction_id="t-2", after_s=0, amount_minor=-1)
    newest = make_transaction(transaction_id="t-3", after_s=1100)
    alerts, judge = _judged([first, newest, late], wait_ms=_BOUND_MS)
    assert len(alerts) == 1
    assert judge.counts.late == 1


def test_a_duplicate_of_one_that_waits_is_left_out() -> None:
    txn = make_transaction(amount_minor=-1)
    alerts, judge = _judged([txn, txn], wait_ms=_BOUND_MS)
    assert len(alerts) == 1
    assert (judge.counts.judged, judge.counts.duplicates) == (1, 1)


@pytest.mark.parametrize("stops_after", range(1, 12))
def test_what_waits_outlives_a_restart(stops_after: int) -> None:
    stream = _stream(7, 12)
    stream[3], stream[4] = stream[4], stream[3]
    judge = Judge(Rules(), out_of_orderness_ms=_BOUND_MS)
    users = UsersOfBucket({}, waits=True)
    outputs: list[OutputRecord] = []
    for number, txn in enumerate(stream, start=1):
        outputs.extend(judge.process(_record(txn), users))
        users.take_changed()
        if number == stops_after:
            ids = [f"u{user}" for user in range(3)]
            kept = {user_id: encode_user(users.load(user_id)) for user_id in ids}
            judge = Judge(Rules(), out_of_orderness_ms=_BOUND_MS)
            users = UsersOfBucket(kept, waits=True)
    outputs.extend(judge.release(users))
    assert alerts_of(outputs) == _judged(stream, wait_ms=_BOUND_MS)[0]
