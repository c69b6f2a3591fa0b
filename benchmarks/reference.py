"""Which alerts there must be: the judge alone over the filled topic."""

import gc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from benchmarks.judging import InMemory
from benchmarks.pool import in_parallel
from benchmarks.programs.plain_loop import input_of
from benchmarks.progress import Offsets
from cardwatch_contracts.alert import Alert, Finding, decode_alert
from cardwatch_contracts.topics import ALERTS, TRANSACTIONS
from cardwatch_local.reading.topic import read_topic

_PARTS = 2


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert that must be there once its transaction is judged."""

    partition: int
    offset: int
    """Where the transaction is."""
    findings: tuple[Finding, ...]


Reference = Mapping[str, Expected]
"""Expected alerts by alert id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A contender's alerts held against the reference's."""

    expected: int
    """Alerts on transactions that the contender has committed."""
    lost: int
    """Of those, how many it did not write."""
    wrong: int
    """Alerts it wrote that the reference has not, or has with other findings."""
    duplicate: int
    """Further copies of an alert."""

    @property
    def equal(self) -> bool:
        """Whether nothing is lost, wrong or double."""
        return not (self.lost or self.wrong or self.duplicate)


def check(alerts: Iterable[Alert], reference: Reference, committed: Offsets) -> Check:
    """Compare alerts with the reference up to the committed offsets."""
    seen: set[str] = set()
    wrong = duplicate = 0
    for alert in alerts:
        if alert.alert_id in seen:
            duplicate += 1
            continue
        seen.add(alert.alert_id)
        expected = reference.get(alert.alert_id)
        wrong += expected is None or expected.findings != alert.findings
    due = {
        alert_id
        for alert_id, expected in reference.items()
        if expected.offset < committed.get(expected.partition, 0)
    }
    return Check(expected=len(due), lost=len(due - seen), wrong=wrong, duplicate=duplicate)


def make_reference(bootstrap_servers: str) -> Reference:
    """Judge the whole topic, in two processes."""
    parts = in_parallel(_judge_part, [(bootstrap_servers, part) for part in range(_PARTS)])
    return {alert_id: expected for part in parts for alert_id, expected in part.items()}


def _judge_part(bootstrap_servers: str, part: int) -> dict[str, Expected]:
    gc.disable()  # the memories grow to millions of objects, none of them in a cycle
    judge = InMemory()
    expected: dict[str, Expected] = {}
    start = [
        TopicPartition(TRANSACTIONS.name, number, OFFSET_BEGINNING)
        for number in range(part, TRANSACTIONS.partitions, _PARTS)
    ]
    for message in read_topic(bootstrap_servers, TRANSACTIONS, start=start):
        record = input_of(message)
        for output in judge.process(record):
            if output.topic == ALERTS.name:
                alert = decode_alert(output.value)
                expected[alert.alert_id] = Expected(record.partition, record.offset, alert.findings)
    return expected
