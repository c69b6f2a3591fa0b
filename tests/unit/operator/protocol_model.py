"""Kafka, a job and operators in miniature, around the real plan, rules and acknowledgements."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord
from cardwatch_job.rules import Rules
from cardwatch_operator.config_topics import ConfigTopics
from cardwatch_operator.plan import plan_resources
from cardwatch_operator.resources import Resource


class Log:
    """The topics `detector-configs` and `detector-config-history`, by one writer at a time."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, ConfigRecord | None] | None] = []
        """Names with their record or tombstone; None where compaction has removed one."""
        self.history: dict[tuple[str, int], tuple[ConfigRecord, int]] = {}
        self.version = 0
        """Grows with every transaction."""

    def read(self) -> ConfigTopics:
        """Read both topics to their ends."""
        topics = ConfigTopics()
        for record, time_ms in self.history.values():
            topics.note(record, time_ms, current=False)
        for record, _ in self.current():
            topics.note(record, self.history[record.name, record.generation][1])
        return topics

    def current(self) -> Iterator[tuple[ConfigRecord, int]]:
        """Return the newest record of each name that is not forgotten, and its offset."""
        newest = {entry[0]: offset for offset, entry in enumerate(self.entries) if entry}
        for offset in newest.values():
            entry = self.entries[offset]
            if entry is not None and entry[1] is not None:
                yield entry[1], offset

    def append(self, records: Sequence[ConfigRecord], now_ms: int) -> None:
        """Write records and their history.

        Generations never go back, and each is given once.
        """
        for record in records:
            highest = max(
                (number for name, number in self.history if name == record.name), default=0
            )
            assert record.generation >= highest, f"{record} after generation {highest}"
            said, _ = self.history.setdefault((record.name, record.generation), (record, now_ms))
            assert said == record, f"{record} says something else than {said}"
            self.entries.append((record.name, record))
        self.version += 1

    def forget(self, names: Sequence[str]) -> None:
        """Write tombstones."""
        self.entries += [(name, None) for name in names]
        self.version += 1

    def compact(self, *, tombstones_before: int) -> None:
        """Remove what is superseded, and tombstones that were there for long."""
        newest = {entry[0]: offset for offset, entry in enumerate(self.entries) if entry}
        for offset, entry in enumerate(self.entries):
            if entry is None:
                continue
            name, record = entry
            if newest[name] != offset or (record is None and offset < tombstones_before):
                self.entries[offset] = None


@dataclass
class Subtask:
    """One subtask of the job: the real `Rules`, and the words it has on the way to Kafka."""

    index: int
    parallelism: int
    run: str
    started_at: int
    position: int
    rules: Rules
    on_the_way: deque[ConfigAck] = field(default_factory=deque)

    def acknowledge(self, record: ConfigRecord, now_ms: int) -> None:
        """Send what `scoring.py` sends."""
        ack = ConfigAck(
            name=record.name,
            generation=record.generation,
            subtask=self.index,
            parallelism=self.parallelism,
            applied_at=now_ms,
            run=self.run,
            started_at=self.started_at,
        )
        self.on_the_way.append(ack)

    def newest(self, name: str) -> ConfigRecord | None:
        """Return the highest generation it has of a name."""
        return max(
            (record for record in self.rules if record.name == name),
            key=lambda record: record.generation,
            default=None,
        )

    def in_force(self) -> dict[str, ConfigRecord]:
        """Return the newest generation of each name that is not withdrawn."""
        newest = {record.name: record for record in self.rules}  # the oldest come first
        return {name: record for name, record in newest.items() if not record.withdrawn}


@dataclass(frozen=True)
class Checkpoint:
    """Where the job goes back to."""

    position: int = 0
    states: tuple[tuple[ConfigRecord, ...], ...] = ((),)
    """The configs of each subtask."""


class Job:
    """Subtasks that start together, and the checkpoint they come back from."""

    def __init__(self, log: Log, *, parallelism: int, now_ms: int) -> None:
        self._log = log
        self.checkpoint = Checkpoint()
        self.runs = 0
        self.gone: list[Subtask] = []
        """Of runs that are over; their last words may still come."""
        self.subtasks: list[Subtask] = []
        self.start(parallelism, [now_ms] * parallelism)

    def start(self, parallelism: int, started_at: Sequence[int]) -> None:
        """Start all subtasks from the checkpoint; each acknowledges what it has in its state."""
        self.runs += 1
        self.gone += [subtask for subtask in self.subtasks if subtask.on_the_way]
        self._barrier: int | None = None
        self._snapshots: dict[int, tuple[ConfigRecord, ...]] = {}
        states = self.checkpoint.states
        self.subtasks = []
        for index in range(parallelism):
            records = states[index % len(states)]
            subtask = Subtask(
                index=index,
                parallelism=parallelism,
                run=f"run-{self.runs}",
                started_at=started_at[index],
                position=self.checkpoint.position,
                rules=Rules(records),
            )
            for record in reversed(records):  # the state has no order
                subtask.acknowledge(record, started_at[index])
            self.subtasks.append(subtask)

    def consume(self, subtask: Subtask, most: int, now_ms: int) -> None:
        """Let a subtask take the next configs, and the checkpoint's barrier among them."""
        for _ in range(most):
            self._snapshot(subtask)
            if subtask.position >= len(self._log.entries):
                return
            entry = self._log.entries[subtask.position]
            subtask.position += 1
            if entry is None:
                continue
            name, record = entry
            if record is None:
                subtask.rules.forget(name)
            elif subtask.rules.apply(record):
                subtask.acknowledge(record, now_ms)
        self._snapshot(subtask)

    def begin_checkpoint(self, position: int) -> None:
        """Put a barrier into the stream of configs; no subtask is behind it yet."""
        self._barrier, self._snapshots = position, {}
        for subtask in self.subtasks:
            self._snapshot(subtask)

    def _snapshot(self, subtask: Subtask) -> None:
        if subtask.position != self._barrier or subtask.index in self._snapshots:
            return
        self._snapshots[subtask.index] = tuple(subtask.rules)
        if len(self._snapshots) == len(self.subtasks):
            states = tuple(self._snapshots[each.index] for each in self.subtasks)
            self.checkpoint = Checkpoint(self._barrier, states)
            self._barrier = None


class Operator:
    """One of two operators, as the reconciler's steps; it dies between any two of them."""

    def __init__(self, log: Log, acks: Sequence[ConfigAck]) -> None:
        """Read every acknowledgement that compaction has left, as one that starts does."""
        self._log = log
        self.topics: ConfigTopics | None = None
        self._version = 0
        self._listed: tuple[Resource, ...] | None = None
        self.acks = Acknowledgements()
        newest = {(ack.name, ack.subtask): offset for offset, ack in enumerate(acks)}
        for offset in sorted(newest.values()):
            self.acks.add(acks[offset])
        self.heard = len(acks)

    def hear(self, acks: Sequence[ConfigAck], most: int) -> None:
        """Read the next acknowledgements."""
        for ack in acks[self.heard : self.heard + most]:
            self.acks.add(ack)
            self.heard += 1

    def read(self) -> None:
        """Read the topics; what was listed before is older than that."""
        self.topics, self._version, self._listed = self._log.read(), self._log.version, None

    def list(self, resources: Sequence[Resource]) -> None:
        """List the resources."""
        self._listed = tuple(resources)

    def publish(self, now_ms: int) -> bool:
        """Publish what is planned; return whether there was something that Kafka took."""
        if self.topics is None or self._listed is None:
            return False
        records = plan_resources(self._listed, self.topics.known)
        self._listed = None
        if not records or self._is_overtaken():
            return False
        self._log.append(records, now_ms)
        self._version = self._log.version
        for record in records:
            self.topics.note(record, now_ms)
        return True

    def retry(self, now_ms: int) -> bool:
        """Publish again what is not acknowledged; return whether there was something."""
        if self.topics is None:
            return False
        records = [
            record
            for known in self.topics.known.values()
            if (record := known.current) is not None and not self.acks.complete(record)
        ]
        if not records or self._is_overtaken():
            return False
        self._log.append(records, now_ms)
        self._version = self._log.version
        return True

    def forget(self) -> bool:
        """Let Kafka forget what is withdrawn everywhere; return whether there was something."""
        if self.topics is None:
            return False
        names = [
            name
            for name, known in self.topics.known.items()
            if (record := known.current) and record.withdrawn and self.acks.complete(record)
        ]
        if not names or self._is_overtaken():
            return False
        self._log.forget(names)
        self.topics = None
        return True

    def _is_overtaken(self) -> bool:
        """Whether another one wrote since this one read: Kafka takes nothing from it then."""
        if self._version == self._log.version:
            return False
        self.topics = None
        return True
