"""The keyed operator's Python half: batches and broadcast around the pure `Judge`."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord, decode_config_record
from cardwatch_contracts.topics import CONFIG_ACKS
from cardwatch_job.batches import BARRIER, Section, read_sections, write_results
from cardwatch_job.judge import Counts, Judge
from cardwatch_job.records import OutputRecord
from cardwatch_job.rules import Rules
from cardwatch_job.users import MAX_UNPACKED, UsersOfBucket
from cardwatch_job.windows import PartialSum

_log = logging.getLogger(__name__)
_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
BATCH_TYPE: Final = Types.ROW([Types.INT(), _BYTES])
"""A bucket, and the bytes of one of its batches or, on the way to Python, of many buckets'."""
CONFIG_TYPE: Final = Types.ROW_NAMED(["name", "value"], [_BYTES, _BYTES])
"""A config's name and its record; no record withdraws the name."""
CONFIGS: Final = MapStateDescriptor("detector-configs", Types.STRING(), _BYTES)
"""Broadcast state: `name/generation` to the record, every generation that may still judge."""

_SWEEP_AFTER: Final = 2
"""Idle cards are looked for after so many times the memory; one that comes back earlier is new
already after one."""


class ScoreUsers(KeyedBroadcastProcessFunction):  # type: ignore[misc] # PyFlink is untyped here
    """Judges every record of a batch by the configs in force.

    The users' memories live here while the job runs. `jvm/ScoreBatches.java` has their copy in
    Flink's state brought up to date before every checkpoint, and sends it back after a restart.
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
        """Judge many batches, or answer for the sums so far and who need not wait any longer."""
        judge = self._judge or self._restore(ctx)
        outputs = self._take_acks()
        sums: Iterable[PartialSum] = ()
        if len(value) > len(BARRIER):
            self._judge_sections(judge, read_sections(value), outputs)
        else:
            self._release_quiet(judge, outputs)
            sums = judge.sums.take()
        changed = self._take_changed(least=1 if value == BARRIER else MAX_UNPACKED)
        yield write_results(judge.take_counts(), changed, outputs, sums)

    def _take_changed(self, *, least: int) -> dict[int, dict[str, bytes | None]]:
        """Take the changed memories of the buckets that have so many."""
        return {
            bucket: users.take_changed()
            for bucket, users in self._buckets.items()
            if users.changed >= least
        }

    def _judge_sections(
        self, judge: Judge, sections: Iterable[Section], outputs: list[OutputRecord]
    ) -> None:
        """Judge record by record."""
        now_s = time.monotonic()
        for section in sections:
            bucket = section.bucket
            if section.memories is not None:
                self._buckets[bucket] = UsersOfBucket(section.memories, waits=self._wait_ms > 0)
            outputs += judge.process_all(section.records, self._buckets[bucket])
            self._arrived_s[bucket] = now_s
        forget_ms = judge.progress.slowest_ms - _SWEEP_AFTER * judge.rules.memory_ms
        for users in self._buckets.values():
            if users.forget_before(forget_ms):
                break  # the others with the next batches: it takes a while

    def _release_quiet(self, judge: Judge, outputs: list[OutputRecord]) -> None:
        """Judge what waits in buckets to which nothing came for as long as it was to wait."""
        quiet_since_s = time.monotonic() - self._wait_ms / 1000
        for bucket, users in self._buckets.items():
            if len(users.room) and self._arrived_s[bucket] <= quiet_since_s:
                outputs.extend(judge.release(users))

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
        yield write_results(Counts(), {}, self._take_acks())

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
