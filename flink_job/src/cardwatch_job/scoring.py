"""The keyed operator's Python half: batches and broadcast around the pure `Judge`."""

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord, decode_config_record
from cardwatch_contracts.topics import CONFIG_ACKS
from cardwatch_job.batches import Batch, read_batch, read_users, write_results
from cardwatch_job.detectors.history import UserState, decode_user, encode_user
from cardwatch_job.judge import Judge
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.rules import Rules

_log = logging.getLogger(__name__)
_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
BATCH_TYPE: Final = Types.ROW([Types.INT(), _BYTES])
"""A bucket and the bytes of one of its batches."""
CONFIG_TYPE: Final = Types.ROW_NAMED(["name", "value"], [_BYTES, _BYTES])
"""A config's name and its record; no record withdraws the name."""
CONFIGS: Final = MapStateDescriptor("detector-configs", Types.STRING(), _BYTES)
"""Broadcast state: config name to its record, as it came."""


class ScoreUsers(KeyedBroadcastProcessFunction):  # type: ignore[misc] # PyFlink is untyped here
    """Judges every record of a batch by the configs in force.

    The users' memories live here while the job runs. `jvm/ScoreBatches.java` keeps their copy in
    Flink's state up to date with each result, and sends it back after a restart.
    """

    def open(self, runtime_context: RuntimeContext) -> None:
        """Start empty; rules and memories come with the first elements."""
        self._subtask = runtime_context.get_index_of_this_subtask()
        self._parallelism = runtime_context.get_number_of_parallel_subtasks()
        self._buckets: dict[int, UsersOfBucket] = {}
        self._judge: Judge | None = None
        self._acks: list[OutputRecord] = []

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Judge one batch."""
        judge = self._judge or self._restore(ctx)
        bucket: int = ctx.get_current_key()
        memories, position = read_users(value)
        if memories is not None:
            self._buckets[bucket] = UsersOfBucket(memories)
        users = self._buckets[bucket]
        outputs = self._take_acks()
        for record in _records_of(read_batch(value, position)):
            outputs.extend(judge.process(record, users))
        yield write_results(bucket, users.take_changed(), outputs)

    def process_broadcast_element(self, value: Row, ctx: Any) -> Iterator[bytes]:
        """Put a config in force, or withdraw it, and acknowledge it."""
        judge = self._judge or self._restore(ctx)
        configs = ctx.get_broadcast_state(CONFIGS)
        name = (value[0] or b"").decode(errors="replace")
        if value[1] is None:
            judge.rules.withdraw(name)
            configs.remove(name)
            return
        try:
            record = decode_config_record(value[1])
        except InvalidRecordError as error:
            _log.warning("config %s stays as it was: %s", name, error)
            return
        if judge.rules.apply(record):
            configs.put(record.name, value[1])
            self._acks.append(self._acknowledge(record))
        yield write_results(0, {}, self._take_acks())

    def _restore(self, ctx: Any) -> Judge:
        """Read the configs in force, and acknowledge them again: the subtasks may be others."""
        values = (value for _, value in ctx.get_broadcast_state(CONFIGS).items())
        records = [decode_config_record(value) for value in values]
        self._acks = [self._acknowledge(record) for record in records]
        self._judge = Judge(Rules(records))
        return self._judge

    def _take_acks(self) -> list[OutputRecord]:
        acks, self._acks = self._acks, []
        return acks

    def _acknowledge(self, record: ConfigRecord) -> OutputRecord:
        ack = ConfigAck(
            name=record.name,
            generation=record.generation,
            subtask=self._subtask,
            parallelism=self._parallelism,
            applied_at=time.time_ns() // 1_000_000,
        )
        return OutputRecord.of(CONFIG_ACKS.name, f"{record.name}/{self._subtask}", ack)


class UsersOfBucket:
    """The memories of one bucket's users, unpacked when first needed."""

    def __init__(self, packed: Mapping[str, bytes]) -> None:
        self._packed = dict(packed)
        self._users: dict[str, UserState] = {}
        self._changed: set[str] = set()

    def load(self, user_id: str) -> UserState:
        """Return a user's memory, an empty one where the user is new."""
        user = self._users.get(user_id)
        if user is None:
            user = decode_user(self._packed.pop(user_id, None))
            self._users[user_id] = user
        return user

    def store(self, user_id: str, user: UserState) -> None:
        """Note that a user's memory has changed; it was changed in place."""
        self._users[user_id] = user
        self._changed.add(user_id)

    def take_changed(self) -> dict[str, bytes]:
        """Pack the memories that changed since the last call."""
        changed = {user_id: encode_user(self._users[user_id]) for user_id in self._changed}
        self._changed.clear()
        return changed


def _records_of(batch: Batch) -> Iterator[InputRecord]:
    for timestamp_ms, offset, partition, key, header, value in zip(*batch[1:], strict=True):
        yield InputRecord(
            topic=batch.topic,
            key=key,
            value=value,
            partition=partition,
            offset=offset,
            timestamp_ms=timestamp_ms,
            traceparent=header.decode(errors="replace") if header else None,
        )
