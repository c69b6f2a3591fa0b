"""The keyed operator's Python half: batches and broadcast around the pure `Judge`."""

import logging
import time
from collections.abc import Iterator
from typing import Any, Final

from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord, decode_config_record
from cardwatch_contracts.topics import CONFIG_ACKS
from cardwatch_job.batches import read_records, read_users, write_results
from cardwatch_job.judge import Counts, Judge
from cardwatch_job.records import OutputRecord
from cardwatch_job.rules import Rules
from cardwatch_job.users import UsersOfBucket

_log = logging.getLogger(__name__)
_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
BATCH_TYPE: Final = Types.ROW([Types.INT(), _BYTES])
"""A bucket and the bytes of one of its batches."""
CONFIG_TYPE: Final = Types.ROW_NAMED(["name", "value"], [_BYTES, _BYTES])
"""A config's name and its record; no record withdraws the name."""
CONFIGS: Final = MapStateDescriptor("detector-configs", Types.STRING(), _BYTES)
"""Broadcast state: `name/generation` to the record, every generation that may still judge."""

_SWEEP_AFTER: Final = 2
"""Idle cards are looked for after so many times the memory; one that comes back earlier is new
already after one."""


class ScoreUsers(KeyedBroadcastProcessFunction):  # type: ignore[misc] # PyFlink is untyped here
    """Judges every record of a batch by the configs in force.

    The users' memories live here while the job runs. `jvm/ScoreBatches.java` keeps their copy in
    Flink's state up to date with each result, and sends it back after a restart.
    """

    def __init__(self, *, out_of_orderness_ms: int) -> None:
        """Let each transaction wait so long for earlier ones of its user. Milliseconds."""
        self._wait_ms = out_of_orderness_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        """Start empty; rules and memories come with the first elements."""
        self._subtask = runtime_context.get_index_of_this_subtask()
        self._parallelism = runtime_context.get_number_of_parallel_subtasks()
        self._buckets: dict[int, UsersOfBucket] = {}
        self._arrived_s: dict[int, float] = {}
        self._judge: Judge | None = None
        self._acks: list[OutputRecord] = []

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Judge one batch; an empty one asks for the sums so far, and for who need not wait."""
        judge = self._judge or self._restore(ctx)
        bucket: int = ctx.get_current_key()
        if not value:
            yield from self._release_quiet(judge)
            yield write_results(
                bucket, judge.take_counts(), {}, self._take_acks(), judge.sums.take()
            )
            return
        memories, position = read_users(value)
        if memories is not None:
            self._buckets[bucket] = UsersOfBucket(memories, waits=self._wait_ms > 0)
        users = self._buckets[bucket]
        self._arrived_s[bucket] = time.monotonic()
        outputs = self._take_acks()
        outputs += judge.process_all(read_records(value, position), users)
        users.forget_before(judge.progress.slowest_ms - _SWEEP_AFTER * judge.rules.memory_ms)
        yield write_results(bucket, judge.take_counts(), users.take_changed(), outputs)

    def _release_quiet(self, judge: Judge) -> Iterator[bytes]:
        """Judge what waits in buckets to which nothing came for as long as it was to wait."""
        quiet_since_s = time.monotonic() - self._wait_ms / 1000
        for bucket, users in self._buckets.items():
            if len(users.room) and self._arrived_s[bucket] <= quiet_since_s:
                outputs = list(judge.release(users))
                yield write_results(bucket, judge.take_counts(), users.take_changed(), outputs)

    def process_broadcast_element(self, value: Row, ctx: Any) -> Iterator[bytes]:
        """Put a config in force, or withdraw it, and acknowledge it."""
        judge = self._judge or self._restore(ctx)
        name = (value[0] or b"").decode(errors="replace")
        if value[1] is None:
            judge.rules.withdraw(name)
            _remember_configs(ctx.get_broadcast_state(CONFIGS), judge.rules, name)
            return
        try:
            record = decode_config_record(value[1])
        except InvalidRecordError as error:
            _log.warning("config %s stays as it was: %s", name, error)
            return
        if judge.rules.apply(record):
            _remember_configs(ctx.get_broadcast_state(CONFIGS), judge.rules, record.name)
            self._acks.append(self._acknowledge(record))
        yield write_results(0, Counts(), {}, self._take_acks())

    def _restore(self, ctx: Any) -> Judge:
        """Read the configs in force, and acknowledge them again: the subtasks may be others."""
        values = (value for _, value in ctx.get_broadcast_state(CONFIGS).items())
        records = [decode_config_record(value) for value in values]
        self._acks = [self._acknowledge(record) for record in records]
        self._judge = Judge(Rules(records), out_of_orderness_ms=self._wait_ms)
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


def _remember_configs(state: Any, rules: Rules, name: str) -> None:
    """Make broadcast state hold the generations of one config that may still judge."""
    in_force = {f"{name}/{record.generation}": record for record in rules if record.name == name}
    for key in [key for key, _ in state.items() if key.startswith(f"{name}/")]:
        if key not in in_force:
            state.remove(key)
    for key, record in in_force.items():
        state.put(key, encode(record))
