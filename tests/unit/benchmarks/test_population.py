from itertools import chain

from benchmarks.judging import InMemory, OneByOne, OneUserLive, record_of
from benchmarks.population import live, part_of
from benchmarks.settings import Stream

from cardwatch_contracts.codec import encode
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.stream import TransactionStream
from cardwatch_job.records import InputRecord

_STREAM = Stream(transactions=20_000, cards=2_000)


def _transactions(part: int) -> list[Transaction]:
    settings = part_of(_STREAM, part, 2)
    assert settings.start_ms is not None
    stream = TransactionStream(settings, start_ms=settings.start_ms)
    return list(chain.from_iterable(batch.transactions for batch in stream))


def _record(txn: Transaction, offset: int) -> InputRecord:
    return record_of(
        key=txn.user_id.encode(),
        value=encode(txn),
        partition=0,
        offset=offset,
        timestamp_ms=txn.event_time,
        headers=[("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")],
    )


def test_parts_share_no_user_and_together_have_the_transactions_asked_for() -> None:
    first, second = _transactions(0), _transactions(1)

    assert not {txn.user_id for txn in first} & {txn.user_id for txn in second}
    assert abs(len(first) + len(second) - 20_000) < 1_000


def test_about_one_transaction_in_fifty_is_suspicious() -> None:
    judge = InMemory()

    outputs = [o for n, txn in enumerate(_transactions(0)) for o in judge.process(_record(txn, n))]

    alerts = sum(output.topic == "alerts" for output in outputs)
    assert 0.005 < alerts / 10_000 < 0.03


def test_it_makes_no_difference_where_the_memory_is_kept() -> None:
    in_memory, packed, live_users = InMemory(), OneByOne(), dict[str, OneUserLive]()
    memories: dict[str, bytes | None] = {}
    for number, txn in enumerate(_transactions(1)[:3_000]):
        record = _record(txn, number)
        expected = list(in_memory.process(record))
        outputs, memories[txn.user_id] = packed.process(record, memories.get(txn.user_id))
        user = live_users.setdefault(txn.user_id, OneUserLive(None))
        assert list(outputs) == expected
        assert list(user.process(record)) == expected
        assert user.packed() == memories[txn.user_id]


def test_the_parts_of_a_live_stream_have_the_rate_and_the_cards_asked_for() -> None:
    parts = [live(10_000, 500.0, part=part, parts=2, seed=1) for part in range(2)]

    assert sum(part.tps for part in parts) == 500
    assert sum(part.cards for part in parts) == 10_000
