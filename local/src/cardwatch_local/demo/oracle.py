"""The check at the end: everything in Kafka once more, without Flink, compared alert by alert."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from confluent_kafka import Message

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import (
    ALERTS,
    CARDS,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
    TRANSACTIONS,
    Topic,
)
from cardwatch_contracts.transaction import Transaction, decode_transaction
from cardwatch_job.records import InputRecord
from cardwatch_job.reference import Comparison, alerts_of, compare, judge_all
from cardwatch_local.reading.offsets import Offsets
from cardwatch_local.reading.topic import key_of, read_topic, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a run left in Kafka."""

    records: Sequence[InputRecord]
    """Cards first, then transactions, each partition in its order, the partitions by time."""
    alerts: Sequence[Alert]
    """Read committed, duplicates included."""
    configs: int
    """Records of DetectorConfigs; the reference judges by the built-in one."""
    dead_letters: int

    @property
    def transactions(self) -> int:
        """How many records the topic `transactions` holds."""
        return sum(record.topic == TRANSACTIONS.name for record in self.records)

    def check(self) -> Comparison | None:
        """Compare the job's alerts with the reference; None where configs were applied."""
        if self.configs:
            return None
        return compare(self.alerts, alerts_of(judge_all(self.records)))

    def sent_from(self, start: Offsets) -> list[Transaction]:
        """Return the transactions at or after the offsets `start`; unreadable ones are left out."""
        return [
            txn
            for record in self.records
            if record.topic == TRANSACTIONS.name
            and record.offset >= start[record.topic, record.partition]
            and (txn := _transaction_of(record)) is not None
        ]


def gather(bootstrap_servers: str) -> Evidence:
    """Read everything a run left.

    Raises:
        StackError: The broker does not answer.
    """
    alerts = (value_of(message) for message in read_topic(bootstrap_servers, ALERTS))
    return Evidence(
        records=[*_inputs(bootstrap_servers, CARDS), *_inputs(bootstrap_servers, TRANSACTIONS)],
        alerts=[decode_alert(value) for value in alerts],
        configs=sum(1 for _ in read_topic(bootstrap_servers, DETECTOR_CONFIGS)),
        dead_letters=sum(1 for _ in read_topic(bootstrap_servers, DEAD_LETTERS)),
    )


def _inputs(bootstrap_servers: str, topic: Topic) -> Iterator[InputRecord]:
    """Yield a topic's records in the order of each partition, as the job saw each user's.

    Among partitions the time decides: a transaction under another user's key waits in another
    partition than the rest of its user's.
    """
    records = map(input_of, read_topic(bootstrap_servers, topic))
    in_order = sorted(records, key=lambda record: (record.partition, record.offset))
    partitions = [list(part) for _, part in groupby(in_order, lambda record: record.partition)]
    return merge(*partitions, key=lambda record: record.timestamp_ms)


def input_of(message: Message) -> InputRecord:
    """Turn a Kafka message into what the job reads."""
    headers = dict(message.headers() or ())
    traceparent = headers.get(TRACEPARENT_HEADER)
    return InputRecord(
        topic=message.topic() or "",
        key=key_of(message),
        value=value_of(message),
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp_ms=message.timestamp()[1],
        traceparent=_text(traceparent),
    )


def _text(header: str | bytes | None) -> str | None:
    return header.decode("utf-8", "replace") if isinstance(header, bytes) else header


def _transaction_of(record: InputRecord) -> Transaction | None:
    try:
        return decode_transaction(record.value)
    except InvalidRecordError:
        return None
