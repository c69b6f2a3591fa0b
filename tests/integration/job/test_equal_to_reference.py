"""The job's alerts against the reference's, while the job is killed and rescaled."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from itertools import count

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace
from tests.integration.job.conftest import JobStack

from cardwatch_contracts.card import Card, card_key
from cardwatch_contracts.codec import encode
from cardwatch_contracts.dead_letter import decode_dead_letter
from cardwatch_contracts.detector_config import (
    ConfigAck,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    VeryHighValueConfig,
    decode_config_ack,
)
from cardwatch_contracts.stats import decode_stats
from cardwatch_contracts.topics import (
    ALERTS,
    CONFIG_ACKS,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
    STATS,
    TRANSACTIONS,
)
from cardwatch_contracts.transaction import Transaction, decode_transaction
from cardwatch_job.detectors import DETECTORS
from cardwatch_job.windows import PartialSums
from cardwatch_local.demo.drain import Drain
from cardwatch_local.demo.oracle import gather
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import read_topic, value_of

_DAY_MS = 86_400_000
_USERS = 40
_CITIES = ((52.52, 13.40), (48.86, 2.35), (40.71, -74.01), (35.68, 139.69))


class Feed:
    """Seeded transactions of a few users that trip every detector, sent under their keys."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._random = random.Random(20261121)
        self._numbers = count()
        self._time_ms = time.time_ns() // 1_000_000 - 3_600 * _DAY_MS
        self._user = 0
        self._producer = Producer(
            {"bootstrap.servers": bootstrap_servers, "enable.idempotence": True}
        )

    def send_cards(self) -> None:
        for number in range(_USERS):
            card = Card(
                card_id=f"tok_{number}_0",
                user_id=f"u{number}",
                bank_id="A",
                payment_system="visa",
                currency="EUR",
                card_limit_minor=300_000,
            )
            self._producer.produce("cards", encode(card), card_key(card))
        self._flush()

    def send(self, transactions: int) -> None:
        for _ in range(transactions):
            txn = self.draw()
            self._producer.produce(TRANSACTIONS.name, encode(txn), txn.user_id.encode())
        self._flush()

    def send_under_wrong_keys(self, transactions: int) -> None:
        for _ in range(transactions):
            txn = replace(self.draw(), amount_minor=2_000_000)
            self._producer.produce(TRANSACTIONS.name, encode(txn), b"somebody-else")
        self._flush()

    def send_values(self, values: Sequence[bytes | None]) -> None:
        for value in values:
            self._producer.produce(TRANSACTIONS.name, value, b"u1")
        self._flush()

    def send_config(self, record: ConfigRecord) -> None:
        self._producer.produce(DETECTOR_CONFIGS.name, encode(record), record.name.encode())
        self._flush()

    def _flush(self) -> None:
        assert self._producer.flush(20) == 0

    def draw(self) -> Transaction:
        """Draw a transaction; users come in bursts, and now and then all are silent for long."""
        draw = self._random
        if draw.random() < 0.1:
            self._user = draw.randrange(_USERS)
            self._time_ms += 600_000
        if draw.random() < 0.0007:
            self._time_ms += 95 * _DAY_MS
        self._time_ms += draw.choice((500, 4_000, 60_000))
        user = self._user
        latitude, longitude = draw.choice(_CITIES) if draw.random() < 0.2 else _CITIES[0]
        amount = int(draw.lognormvariate(8.5, 1.0))
        if draw.random() < 0.1:
            amount = draw.choice((-500, 9_500, 9_900, 9_950, 1_500_000))
        return Transaction(
            transaction_id=f"t-{next(self._numbers)}",
            event_time=self._time_ms - draw.choice((0, 0, 0, 30_000)),
            user_id=f"u{user}",
            card_id=f"tok_{user}_{draw.randrange(2)}",
            bank_id="A",
            payment_system="visa",
            amount_minor=amount,
            currency="EUR",
            merchant_id="m-1",
            merchant_category="grocery",
            country="DE",
            city="Berlin",
            latitude=latitude,
            longitude=longitude,
            pin_used=draw.random() < 0.4,
            channel="chip",
        )


def _drain(stack: JobStack) -> None:
    reader = OffsetReader(stack.bootstrap_servers)
    Drain(stack.bootstrap_servers, reader).wait(timeout_s=120)


def _wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.1)


def _alerts_committed(stack: JobStack) -> int:
    return sum(1 for _ in read_topic(stack.bootstrap_servers, ALERTS))


def _windows_written(stack: JobStack) -> dict[tuple[object, ...], tuple[int, ...]]:
    records = (decode_stats(value_of(m)) for m in read_topic(stack.bootstrap_servers, STATS))
    return {
        (stats.window_start, stats.dimension, stats.name, stats.currency): (
            stats.count,
            stats.sum_minor,
            stats.min_minor,
            stats.max_minor,
        )
        for stats in records
    }


def _windows_expected(stack: JobStack) -> dict[tuple[object, ...], tuple[int, ...]]:
    sums = PartialSums()
    for message in read_topic(stack.bootstrap_servers, TRANSACTIONS):
        sums.add(decode_transaction(value_of(message)))
    return {
        (part.window_start, part.dimension, part.name, part.currency): (
            part.count,
            part.sum_minor,
            part.min_minor,
            part.max_minor,
        )
        for part in sums.take()
    }


@pytest.mark.timeout(600)  # two restarts of the job and three drains, on two busy cores
def test_alerts_equal_the_reference_through_a_killed_taskmanager_and_a_rescale(
    job_stack: JobStack,
) -> None:
    feed = Feed(job_stack.bootstrap_servers)
    feed.send_cards()
    _drain(job_stack)  # so that every limit is known before the first transaction, as in the oracle
    feed.send(2_000)
    _drain(job_stack)
    feed.send_under_wrong_keys(5)  # alone, so that there is one order in which to judge them
    _drain(job_stack)
    feed.send(2_000)
    _wait_until(lambda: _alerts_committed(job_stack) > 0, "a first committed alert")

    victim = job_stack.cluster.taskmanagers[0]
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    feed.send(4_000)
    _wait_until(lambda: not victim.is_running, "the end of the killed TaskManager")
    victim.start()
    feed.send(2_000)
    _drain(job_stack)

    job_stack.cluster.taskmanagers[1].stop()
    feed.send(3_000)
    _drain(job_stack)

    _wait_until(
        lambda: _windows_written(job_stack) == _windows_expected(job_stack),
        "the windows' counts and sums",
    )
    evidence = gather(job_stack.bootstrap_servers)
    comparison = evidence.check()
    assert comparison is not None
    assert comparison.equal, comparison
    assert evidence.transactions == 13_005
    found = {finding.detector for alert in evidence.alerts for finding in alert.findings}
    assert found == {detector.name for detector in DETECTORS}


def test_what_cannot_be_read_is_set_aside_with_its_reason_and_without_card_numbers(
    job_stack: JobStack,
) -> None:
    feed = Feed(job_stack.bootstrap_servers)
    good = encode(feed.draw())
    feed.send_values(
        [
            b'{"card_id": "4111 1111 1111 1111"',
            b"\xff\xfe",
            b"",
            None,
            good.replace(b'"visa"', b"5"),
            good.replace(b"tok_", b"41111111111111").replace(b'"EUR"', b'"eur"'),
            b"x" * 70_000,
            good,
        ]
    )
    _drain(job_stack)

    letters = [
        decode_dead_letter(value_of(message))
        for message in read_topic(job_stack.bootstrap_servers, DEAD_LETTERS)
    ]
    assert [letter.reason for letter in sorted(letters, key=lambda letter: letter.offset)] == [
        "not JSON: Input data was truncated",
        "not JSON: JSON is malformed: invalid character (byte 0)",
        "empty record: expected a JSON object",
        "empty record: expected a JSON object",
        "Expected `str`, got `int` - at `$.payment_system`",
        "Expected an ISO 4217 code such as `EUR` - at `$.currency`",
        "record of 70,000 bytes: at most 65,536 are allowed",
    ]
    assert all(letter.topic == TRANSACTIONS.name for letter in letters)
    assert not any("1111" in letter.excerpt for letter in letters)


def _acks_of(stack: JobStack, generation: int) -> list[ConfigAck]:
    acks = (
        decode_config_ack(value_of(m)) for m in read_topic(stack.bootstrap_servers, CONFIG_ACKS)
    )
    return [ack for ack in acks if ack.generation == generation]


def _acknowledged(stack: JobStack, generation: int) -> bool:
    return {ack.subtask for ack in _acks_of(stack, generation)} == {0, 1}


def test_a_config_judges_what_comes_after_every_subtask_acknowledged_it(
    job_stack: JobStack,
) -> None:
    feed = Feed(job_stack.bootstrap_servers)
    txn = replace(feed.draw(), user_id="u1", amount_minor=101)
    record = ConfigRecord(
        name="strict",
        generation=3,
        created_at=1,
        spec=DetectorConfigSpec(
            detectors=Detectors(very_high_value=VeryHighValueConfig(max_amount_minor=100))
        ),
    )
    feed.send_config(record)
    _wait_until(lambda: _acknowledged(job_stack, 3), "acknowledgements of both subtasks")
    feed.send_values([encode(txn)])
    feed.send_config(replace(record, generation=2))
    from_then_on = replace(record.spec, effective_from=txn.event_time + 60_000)
    feed.send_config(replace(record, generation=4, spec=from_then_on))
    _wait_until(lambda: _acknowledged(job_stack, 4), "acknowledgements of generation 4")
    for number, after_ms in enumerate((59_999, 60_000)):
        later = replace(txn, transaction_id=f"l-{number}", event_time=txn.event_time + after_ms)
        feed.send_values([encode(later)])
    _drain(job_stack)

    known = len(_acks_of(job_stack, 4))
    victim = job_stack.cluster.taskmanagers[0]
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    _wait_until(lambda: not victim.is_running, "the end of the killed TaskManager")
    victim.start()
    _wait_until(
        lambda: len(_acks_of(job_stack, 4)) > known,
        "generation 4 acknowledged again by the restored job",
        timeout_s=120,
    )
    last = replace(txn, transaction_id="l-2", event_time=txn.event_time + 120_000)
    feed.send_values([encode(last)])
    _drain(job_stack)

    alerts = {a.transaction.transaction_id: a for a in gather(job_stack.bootstrap_servers).alerts}
    judged_by = [alerts[i].generation for i in (txn.transaction_id, "l-0", "l-1", "l-2")]
    assert judged_by == [3, 3, 4, 4]
    assert alerts[txn.transaction_id].config == "strict"
    findings = alerts[txn.transaction_id].findings
    assert "very_high_value" in {finding.detector for finding in findings}
