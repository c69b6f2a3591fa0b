"""The keyed operator: Flink's state and broadcast around the pure `Judge`."""

import time
from collections.abc import Iterator
from typing import Any, Final

from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapState, MapStateDescriptor

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import ConfigAck, decode_config_record
from cardwatch_contracts.topics import CONFIG_ACKS
from cardwatch_job.detectors.history import UserState, decode_user, encode_user
from cardwatch_job.judge import Judge
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.rules import Rules

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
CONFIGS: Final = MapStateDescriptor("detector-configs", Types.STRING(), _BYTES)
"""Broadcast state: config name to its record, as it came."""
USERS: Final = MapStateDescriptor("users", Types.STRING(), _BYTES)
"""Keyed state of a bucket: user id to the packed memory of the user."""


class ScoreUsers(KeyedBroadcastProcessFunction):  # type: ignore[misc] # PyFlink is untyped here
    """Judges every record of a bucket of users by the configs in force."""

    def open(self, runtime_context: RuntimeContext) -> None:
        """Prepare the state; the rules are read with the first element, after a restore."""
        self._users = _UsersOfBucket(runtime_context.get_map_state(USERS))
        self._subtask = runtime_context.get_index_of_this_subtask()
        self._parallelism = runtime_context.get_number_of_parallel_subtasks()
        self._judge: Judge | None = None

    def process_element(self, value: Row, ctx: Any) -> Iterator[Row]:
        """Judge one transaction, or take one card."""
        judge = self._judge or self._restore(ctx)
        for output in judge.process(_input_of(value), self._users):
            yield _row_of(output)

    def process_broadcast_element(self, value: Row, ctx: Any) -> Iterator[Row]:
        """Put a config in force, or withdraw it, and acknowledge it."""
        judge = self._judge or self._restore(ctx)
        configs = ctx.get_broadcast_state(CONFIGS)
        name = bytes(value[0] or b"").decode(errors="replace")
        if value[1] is None:
            judge.rules.withdraw(name)
            configs.remove(name)
            return
        try:
            record = decode_config_record(bytes(value[1]))
        except InvalidRecordError:
            return  # published past all validation: the last good config stays in force
        if judge.rules.apply(record):
            configs.put(record.name, value[1])
            yield _row_of(self._acknowledge(record.name, record.generation))

    def _restore(self, ctx: Any) -> Judge:
        values = (bytes(value) for _, value in ctx.get_broadcast_state(CONFIGS).items())
        self._judge = Judge(Rules(decode_config_record(value) for value in values))
        return self._judge

    def _acknowledge(self, name: str, generation: int) -> OutputRecord:
        ack = ConfigAck(
            name=name,
            generation=generation,
            subtask=self._subtask,
            parallelism=self._parallelism,
            applied_at=time.time_ns() // 1_000_000,
        )
        return OutputRecord.of(CONFIG_ACKS.name, f"{name}/{self._subtask}", ack)


class _UsersOfBucket:
    """Users' memories in Flink's keyed state."""

    def __init__(self, state: MapState) -> None:
        self._state = state

    def load(self, user_id: str) -> UserState:
        """Return a user's memory, an empty one where the user is new."""
        return decode_user(self._state.get(user_id))

    def store(self, user_id: str, user: UserState) -> None:
        """Keep a user's memory."""
        self._state.put(user_id, encode_user(user))


def _input_of(row: Row) -> InputRecord:
    topic, key, value, partition, offset, timestamp, traceparent = row
    return InputRecord(
        topic=topic,
        key=key,
        value=value,
        partition=partition,
        offset=offset,
        timestamp_ms=timestamp.to_epoch_milli(),
        traceparent=traceparent,
    )


def _row_of(output: OutputRecord) -> Row:
    return Row(output.topic, output.key, output.value, output.traceparent)
