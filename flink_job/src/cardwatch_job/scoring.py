"""The Python half of the keyed operator: batches and configs around the pure `Judge`.

`jvm/ScoreBatches.java` calls it inside the TaskManager, always from the subtask's own thread.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Final

from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord, decode_config_record
from cardwatch_contracts.feedback import decode_feedback
from cardwatch_contracts.topics import CONFIG_ACKS, DETECTOR_CONFIGS, FEEDBACK, MODEL_STATS, MODELS
from cardwatch_job.batches import Section, read_sections, write_pairs, write_results
from cardwatch_job.judge import Judge
from cardwatch_job.model.in_force import ModelsInForce
from cardwatch_job.model.lessons import Heard, lesson_of
from cardwatch_job.model.memory import merchants
from cardwatch_job.records import Output, OutputRecord
from cardwatch_job.rules import Rules
from cardwatch_job.tracing import ConfigApplied, JudgedBatch, Traces, exporter
from cardwatch_job.users import MAX_UNPACKED, UsersOfBucket, users_of_bucket
from cardwatch_job.windows import NO_SUMS

_log = logging.getLogger(__name__)

_FLUSH_S: Final = 0.4
"""Flink kills a task that has not ended soon after it was told to. Seconds."""
_STATS_EVERY_S: Final = 10.0
_MERCHANT: Final = b"merchant/"
_SWEEP_AFTER: Final = 2
"""Idle cards are looked for after so many times the memory; one that comes back earlier is new
already after one."""


class ScoreUsers:
    """Judges every record of a batch by the configs in force.

    The users' memories live here while the job runs. The operator has their copy in Flink's state
    brought up to date before every checkpoint, and sends it back after a restart.
    """

    def __init__(
        self,
        configs: Iterable[bytes],
        learned: Sequence[bytes] = (),
        *,
        subtask: int,
        parallelism: int,
        run: str,
        out_of_orderness_ms: int,
    ) -> None:
        """Begin with what every subtask knows, and no memories of users.

        Args:
            configs: The config records in force, as JSON.
            learned: What `take_learned` has returned: keys and values, one after the other.
            subtask: Which of the subtasks this is, from 0.
            parallelism: How many there are.
            run: What all subtasks that started together have in common, and no others.
            out_of_orderness_ms: How long each transaction waits for earlier ones of its user.
        """
        self._subtask = subtask
        self._parallelism = parallelism
        self._run = run
        self._started_at = time.time_ns() // 1_000_000
        self._wait_ms = out_of_orderness_ms
        self._buckets: dict[int, UsersOfBucket] = {}
        self._arrived_s: dict[int, float] = {}
        records = [decode_config_record(value) for value in configs]
        pairs = list(zip(learned[::2], learned[1::2], strict=True))
        self._models = ModelsInForce(pairs)
        self._merchants = merchants(
            {
                key[len(_MERCHANT) :].decode(): packed
                for key, packed in pairs
                if key.startswith(_MERCHANT)
            }
        )
        self._exporter = exporter()
        self._traces = Traces()
        self._judge = Judge(
            Rules(records),
            out_of_orderness_ms=out_of_orderness_ms,
            traces=None if self._exporter is None else self._traces,
            models=self._models,
            merchants=self._merchants,
        )
        self._models.follow(self._judge.rules)
        self._stats_at_s = time.monotonic()
        # Acknowledged again: the subtasks may be others than before.
        self._acks = [self._acknowledge(record) for record in records]

    def judge(self, piece: bytes) -> bytes:
        """Judge many batches; return what they led to."""
        start_ns = self._begin()
        outputs: list[Output] = [*self._take_acks()]
        sections = read_sections(piece)
        self._judge_sections(sections, outputs)
        self._record(start_ns, sum(len(section.records) for section in sections))
        return self._results(outputs, changed_of=MAX_UNPACKED)

    def add_up(self) -> bytes:
        """Return the sums so far; judge who need not wait any longer."""
        return self._report(changed_of=MAX_UNPACKED, more=self._model_stats())

    def prepare_checkpoint(self) -> bytes:
        """Do the same, and return every memory that changed."""
        return self._report(changed_of=1)

    def close(self) -> None:
        """Send what is still to be recorded; at once, or not."""
        if self._exporter is not None:
            self._exporter.flush(_FLUSH_S)

    def _report(self, *, changed_of: int, more: Sequence[OutputRecord] = ()) -> bytes:
        start_ns = self._begin()
        outputs: list[Output] = [*self._take_acks(), *more]
        self._release_quiet(outputs)
        self._record(start_ns, 0)
        return self._results(outputs, changed_of=changed_of, sums=self._judge.sums.take_written())

    def _begin(self) -> int:
        """Return the time, and let as many transactions be noted as there is room for."""
        if self._exporter is not None:
            self._traces.room = self._exporter.room
        return time.time_ns()

    def _record(self, start_ns: int, records: int) -> None:
        """Write spans of the transactions that were noted while these were judged.

        Now, while all of them is still in the processor's caches: the exporter's thread takes
        three times as long for it.
        """
        if self._exporter is None:
            return
        judged = self._traces.take()
        if judged:
            batch = JudgedBatch(
                judged=judged,
                records=records or len(judged),
                subtask=self._subtask,
                start_ns=start_ns,
                end_ns=time.time_ns(),
            )
            self._exporter.put(batch.now_written())
        dropped, self._traces.dropped = self._traces.dropped, 0
        self._judge.counts.dropped_spans += dropped + self._exporter.take_dropped()

    def _results(
        self,
        outputs: Sequence[Output],
        *,
        changed_of: int,
        sums: bytes = NO_SUMS,
    ) -> bytes:
        """Write results, with the changed memories of the buckets that have so many."""
        users = {
            bucket: users.take_changed()
            for bucket, users in self._buckets.items()
            if users.changed >= changed_of
        }
        habits = {
            bucket: users.habits.take_changed()
            for bucket, users in self._buckets.items()
            if users.habits.changed >= changed_of
        }
        return write_results(self._judge.take_counts(), users, habits, outputs, sums)

    def _judge_sections(self, sections: Iterable[Section], outputs: list[Output]) -> None:
        """Judge record by record."""
        judge = self._judge
        now_s = time.monotonic()
        batches = []
        for section in sections:
            bucket = section.bucket
            if section.memories is not None:
                self._buckets[bucket] = users_of_bucket(
                    section.memories, habits=section.habits, waits=self._wait_ms > 0
                )
            batches.append((section.records, self._buckets[bucket]))
            self._arrived_s[bucket] = now_s
        outputs += judge.process_all(batches)
        forget_ms = judge.progress.slowest_ms - _SWEEP_AFTER * judge.rules.memory_ms
        for users in self._buckets.values():
            if users.forget_before(forget_ms):
                users.habits.forget_before(forget_ms)
                break  # the others with the next batches: it takes a while

    def _release_quiet(self, outputs: list[Output]) -> None:
        """Judge what waits in buckets to which nothing came for as long as it was to wait."""
        quiet_since_s = time.monotonic() - self._wait_ms / 1000
        for bucket, users in self._buckets.items():
            if len(users.room) and self._arrived_s[bucket] <= quiet_since_s:
                outputs.extend(self._judge.release(users))

    def tell(self, topic: str, key: bytes | None, value: bytes | None) -> bytes:
        """Take a record that every subtask is told; return the answer."""
        if topic == DETECTOR_CONFIGS.name:
            self._configure((key or b"").decode(errors="replace"), value)
        elif topic == MODELS.name:
            self._models.publish(key, value)
            self._follow()
        elif topic == FEEDBACK.name:
            self._hear(value)
        return write_results(self._judge.take_counts(), {}, {}, self._take_acks())

    def _configure(self, name: str, value: bytes | None) -> None:
        """Put a config in force, or forget it where there is no value."""
        rules = self._judge.rules
        if value is None:
            rules.forget(name)
            self._follow()
            return
        try:
            record = decode_config_record(value)
        except InvalidRecordError as error:
            _log.warning("config %s stays as it was: %s", name, error)
            return
        start_ns = time.time_ns()
        if rules.apply(record):
            self._follow(but=name)
            self._acks.append(self._acknowledge(record))
            self._record_config(record, start_ns)

    def _follow(self, but: str = "") -> None:
        """Put in force the models that configs ask for; acknowledge those that changed."""
        rules = self._judge.rules
        changed = set(self._models.follow(rules)) - {but}
        rules.changed()
        newest = {record.name: record for record in rules}
        self._acks += [self._acknowledge(newest[name]) for name in sorted(changed & newest.keys())]

    def _hear(self, value: bytes | None) -> None:
        """Take in what an analyst says of a payment."""
        counts = self._judge.counts
        try:
            lesson = lesson_of(decode_feedback(value))
        except InvalidRecordError as error:
            _log.warning("a feedback is passed over: %s", error)
            counts.feedback_refused += self._subtask == 0
            return
        if lesson is None:
            return
        # Every subtask knows all merchants; one of them counts.
        heard = self._merchants.hear(lesson) is not Heard.REPEATED
        counts.feedback_heard += heard and self._subtask == 0
        for users in self._buckets.values():
            if users.habits.knows(lesson.user_id):
                users.habits.hear(lesson)

    def take_learned(self) -> bytes:
        """Return what changed of what every subtask is to know after a restart."""
        pairs = self._models.take_changed()
        changed = self._merchants.take_changed()
        pairs += [(_MERCHANT + name.encode(), packed) for name, packed in changed.items()]
        return write_pairs(pairs)

    def _model_stats(self) -> list[OutputRecord]:
        """Return what the models have seen and said, from time to time."""
        now_s = time.monotonic()
        took_s = now_s - self._stats_at_s
        if took_s < _STATS_EVERY_S:
            return []
        self._stats_at_s = now_s
        ends_at = time.time_ns() // 1_000_000
        return [
            OutputRecord.of(MODEL_STATS.name, f"{stats.config}/{stats.role}/{self._subtask}", stats)
            for models in self._models
            for stats in models.take_stats(
                subtask=self._subtask,
                parallelism=self._parallelism,
                begins_at=ends_at - int(took_s * 1000),
                ends_at=ends_at,
            )
        ]

    def configs(self) -> bytes:
        """Return every config and generation that may still judge: a key for each, its record."""
        return write_pairs(
            (f"{record.name}/{record.generation}".encode(), encode(record))
            for record in self._judge.rules
        )

    def _record_config(self, record: ConfigRecord, start_ns: int) -> None:
        if self._exporter is not None:
            applied = ConfigApplied(
                record=record, subtask=self._subtask, start_ns=start_ns, end_ns=time.time_ns()
            )
            self._exporter.put(applied)

    def _take_acks(self) -> list[OutputRecord]:
        acks, self._acks = self._acks, []
        return acks

    def _acknowledge(self, record: ConfigRecord) -> OutputRecord:
        models = self._models.of(record)
        hashes = {} if models is None else models.hashes
        ack = ConfigAck(
            name=record.name,
            generation=record.generation,
            subtask=self._subtask,
            parallelism=self._parallelism,
            applied_at=time.time_ns() // 1_000_000,
            run=self._run,
            started_at=self._started_at,
            model=hashes.get("model", ""),
            challenger=hashes.get("challenger", ""),
            refused="" if models is None else models.refused,
        )
        return OutputRecord.of(CONFIG_ACKS.name, f"{record.name}/{self._subtask}", ack)
