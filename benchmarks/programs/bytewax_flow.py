"""The job in Bytewax: state by user, snapshots in its recovery store.

Run by `python -m bytewax.run "benchmarks.programs.bytewax_flow:flow(...)"`.
"""

from collections.abc import Sequence
from typing import Any

from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import StatefulBatchLogic
from confluent_kafka import Consumer, TopicPartition

from benchmarks.judging import OneUserLive, record_of
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_job.records import InputRecord, OutputRecord


class _CommittingPartition(StatefulSourcePartition):  # type: ignore[misc] # not there for mypy
    """A Kafka partition that also commits what it snapshots, for others to see how far it is."""

    def __init__(self, partition: Any, committer: Consumer, number: int) -> None:
        self._partition = partition
        self._committer = committer
        self._number = number

    def next_batch(self) -> Any:
        """Read on."""
        return self._partition.next_batch()

    def snapshot(self) -> Any:
        """Return the offset to go on from, and commit it."""
        offset = self._partition.snapshot()
        if offset is not None and offset >= 0:
            place = TopicPartition(TRANSACTIONS.name, self._number, offset)
            self._committer.commit(offsets=[place], asynchronous=True)
        return offset

    def close(self) -> None:
        """Close the partition's consumer."""
        self._partition.close()


class _CommittingSource(FixedPartitionedSource):  # type: ignore[misc] # not there for mypy
    def __init__(self, bootstrap_servers: str, group: str) -> None:
        self._source = KafkaSource(bootstrap_servers.split(","), [TRANSACTIONS.name])
        self._settings = {"bootstrap.servers": bootstrap_servers, "group.id": group}
        self._committer: Consumer | None = None

    def list_parts(self) -> Any:
        """Return the names of the partitions."""
        return self._source.list_parts()

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _CommittingPartition:
        """Open a partition."""
        self._committer = self._committer or Consumer(self._settings)
        partition = self._source.build_part(step_id, for_part, resume_state)
        number = int(for_part.partition("-")[0])
        return _CommittingPartition(partition, self._committer, number)


class _ScoreUser(StatefulBatchLogic):  # type: ignore[misc] # not there for mypy
    """Judges one user's transactions; their memory stays unpacked between snapshots."""

    def __init__(self, snapshot: bytes | None) -> None:
        self._user = OneUserLive(snapshot)

    def on_batch(self, values: Sequence[InputRecord]) -> tuple[list[OutputRecord], bool]:
        """Judge transactions."""
        outputs = [output for record in values for output in self._user.process(record)]
        return outputs, StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes | None:
        """Return the memory, packed."""
        return self._user.packed()


def _keyed(message: KafkaSourceMessage[bytes, bytes]) -> tuple[str, InputRecord]:
    record = record_of(
        key=message.key,
        value=message.value,
        partition=message.partition or 0,
        offset=message.offset or 0,
        timestamp_ms=message.timestamp[1] if message.timestamp else 0,
        headers=message.headers,
    )
    return message.key.decode(), record


def _message(item: tuple[str, OutputRecord]) -> KafkaSinkMessage[bytes, bytes]:
    output = item[1]
    return KafkaSinkMessage(key=output.key, value=output.value, topic=output.topic)


def flow(bootstrap_servers: str, group: str) -> Dataflow:
    """Return the dataflow."""
    dataflow = Dataflow("cardwatch")
    messages = op.input("transactions", dataflow, _CommittingSource(bootstrap_servers, group))
    scored = op.stateful_batch("score", op.map("key", messages, _keyed), _ScoreUser)
    sink = KafkaSink(
        bootstrap_servers.split(","), topic=None, add_config={"compression.type": "lz4"}
    )
    op.output("outputs", op.map("message", scored, _message), sink)
    return dataflow
