"""The job's alerts against the reference's, while the job is killed and rescaled."""

import os
import signal

import pytest
from msgspec.structs import replace
from tests.integration.job.feed import Feed, alerts_committed, drain, wait_until
from tests.integration.job.stack import JobStack

from cardwatch_contracts.codec import encode
from cardwatch_contracts.dead_letter import decode_dead_letter
from cardwatch_contracts.detector_config import (
    ON_BY_DEFAULT,
    ConfigAck,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    VeryHighValueConfig,
    decode_config_ack,
)
from cardwatch_contracts.stats import decode_stats
from cardwatch_contracts.topics import (
    CONFIG_ACKS,
    DEAD_LETTERS,
    STATS,
    TRANSACTIONS,
)
from cardwatch_contracts.transaction import decode_transaction
from cardwatch_job.windows import PartialSums
from cardwatch_local.demo.oracle import gather
from cardwatch_local.reading.topic import read_topic, value_of


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
    drain(job_stack)  # so that every limit is known before the first transaction, as in the oracle
    feed.send(2_000)
    drain(job_stack)
    feed.send_under_wrong_keys(5)  # alone, so that there is one order in which to judge them
    drain(job_stack)
    feed.send(2_000)
    wait_until(lambda: alerts_committed(job_stack) > 0, "a first committed alert")

    victim = job_stack.cluster.taskmanagers[0]
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    feed.send(4_000)
    wait_until(lambda: not victim.is_running, "the end of the killed TaskManager")
    victim.start()
    feed.send(2_000)
    drain(job_stack)

    job_stack.cluster.taskmanagers[1].stop()
    feed.send(3_000)
    drain(job_stack)

    wait_until(
        lambda: _windows_written(job_stack) == _windows_expected(job_stack),
        "the windows' counts and sums",
    )
    evidence = gather(job_stack.bootstrap_servers)
    comparison = evidence.check()
    assert comparison is not None
    assert comparison.equal, comparison
    assert evidence.transactions == 13_005
    found = {finding.detector for alert in evidence.alerts for finding in alert.findings}
    assert found == set(ON_BY_DEFAULT)


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
    drain(job_stack)

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
    wait_until(lambda: _acknowledged(job_stack, 3), "acknowledgements of both subtasks")
    feed.send_values([encode(txn)])
    feed.send_config(replace(record, generation=2))
    from_then_on = replace(record.spec, effective_from=txn.event_time + 60_000)
    feed.send_config(replace(record, generation=4, spec=from_then_on))
    wait_until(lambda: _acknowledged(job_stack, 4), "acknowledgements of generation 4")
    for number, after_ms in enumerate((59_999, 60_000)):
        later = replace(txn, transaction_id=f"l-{number}", event_time=txn.event_time + after_ms)
        feed.send_values([encode(later)])
    drain(job_stack)

    known = len(_acks_of(job_stack, 4))
    victim = job_stack.cluster.taskmanagers[0]
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    wait_until(lambda: not victim.is_running, "the end of the killed TaskManager")
    victim.start()
    wait_until(
        lambda: len(_acks_of(job_stack, 4)) > known,
        "generation 4 acknowledged again by the restored job",
        timeout_s=120,
    )
    last = replace(txn, transaction_id="l-2", event_time=txn.event_time + 120_000)
    feed.send_values([encode(last)])
    drain(job_stack)

    alerts = {a.transaction.transaction_id: a for a in gather(job_stack.bootstrap_servers).alerts}
    judged_by = [alerts[i].generation for i in (txn.transaction_id, "l-0", "l-1", "l-2")]
    assert judged_by == [3, 3, 4, 4]
    assert alerts[txn.transaction_id].config == "strict"
    findings = alerts[txn.transaction_id].findings
    assert "very_high_value" in {finding.detector for finding in findings}
