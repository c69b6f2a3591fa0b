"""Who of the subtasks judges by what. Pure."""

from cardwatch_contracts.detector_config import Challenger, ConfigAck, ConfigRecord


class Acknowledgements:
    """The subtasks' word, of the newest run of the job alone.

    All subtasks start together. When the first of them speaks, what those of the run before it said
    is worth nothing any more: they may judge by an older generation again, from the checkpoint.
    """

    def __init__(self) -> None:
        self._run = ""
        self._started_at = -1
        self._parallelism = 0
        self._newest: dict[tuple[str, int], ConfigAck] = {}

    def add(self, ack: ConfigAck) -> None:
        """Take an acknowledgement, in any order and any number of times.

        Of one generation a subtask's last word counts: a model may come, or go, after it.
        """
        if ack.run != self._run:
            if ack.started_at <= self._started_at:
                return  # of a run that is over
            self._run = ack.run
            self._newest.clear()
        self._started_at = max(self._started_at, ack.started_at)
        self._parallelism = ack.parallelism
        key = (ack.name, ack.subtask)
        before = self._newest.get(key)
        if before is None or before.generation <= ack.generation:
            self._newest[key] = ack

    def copy(self) -> "Acknowledgements":
        """Return one that does not change with this one."""
        other = Acknowledgements()
        other._run, other._started_at = self._run, self._started_at
        other._parallelism, other._newest = self._parallelism, dict(self._newest)
        return other

    @property
    def started_at(self) -> int:
        """When the newest run started; -1: it has not spoken. Milliseconds since 1970-01-01 UTC."""
        return self._started_at

    @property
    def parallelism(self) -> int | None:
        """How many subtasks the newest run has; None before the first has spoken."""
        return self._parallelism or None

    def missing(self, record: ConfigRecord) -> tuple[int, ...]:
        """Return the subtasks that do not judge by a record and with the models that it asks for.

        Empty before the first spoke.
        """
        return tuple(
            subtask
            for subtask in range(self._parallelism)
            if not _judges_by(self._newest.get((record.name, subtask)), record)
        )

    def silent(self, record: ConfigRecord) -> tuple[int, ...]:
        """Return the subtasks that have not acknowledged a record; empty before the first spoke."""
        return tuple(
            subtask
            for subtask in range(self._parallelism)
            if self._generation(record.name, subtask) != record.generation
        )

    def refusals(self, record: ConfigRecord) -> dict[int, str]:
        """Return why subtasks do not judge with the models that a record asks for."""
        return {
            subtask: ack.refused
            for subtask, ack in enumerate(self.of(record.name))
            if ack is not None and ack.generation == record.generation and ack.refused
        }

    def models(self, name: str) -> tuple[str, ...]:
        """Return the hashes of the models that subtasks judge with by a config, each once."""
        return tuple(
            dict.fromkeys(ack.model for ack in self.of(name) if ack is not None and ack.model)
        )

    def of(self, name: str) -> tuple[ConfigAck | None, ...]:
        """Return each subtask's newest word on a config, None where it has not spoken of it."""
        return tuple(self._newest.get((name, subtask)) for subtask in range(self._parallelism))

    def complete(self, record: ConfigRecord) -> bool:
        """Whether every subtask has acknowledged a record, all with the same models."""
        if self._parallelism == 0 or self.missing(record):
            return False
        return len({(ack.model, ack.challenger) for ack in self.of(record.name) if ack}) == 1

    def acknowledged(self, name: str) -> int:
        """Return the highest generation of a config that every subtask has acknowledged, or 0."""
        return min(
            (self._generation(name, subtask) or 0 for subtask in range(self._parallelism)),
            default=0,
        )

    def applied_at(self, record: ConfigRecord) -> int:
        """Return when the last subtask acknowledged. Milliseconds since 1970-01-01 UTC."""
        return max(
            (
                ack.applied_at
                for (name, _), ack in self._newest.items()
                if (name, ack.generation) == (record.name, record.generation)
            ),
            default=0,
        )

    def _generation(self, name: str, subtask: int) -> int | None:
        ack = self._newest.get((name, subtask))
        return None if ack is None else ack.generation


def _judges_by(ack: ConfigAck | None, record: ConfigRecord) -> bool:
    """Whether a subtask judges by a generation, with the models that it asks for."""
    if ack is None or ack.generation != record.generation or ack.refused:
        return False
    model = None if record.withdrawn else record.spec.model
    if model is None or model.mode == "Off":
        return True
    challenger = model.challenger
    return _is(ack.model, model) and (challenger is None or _is(ack.challenger, challenger))


def _is(hash_: str, wanted: Challenger) -> bool:
    return bool(hash_) if wanted.hash is None else hash_ == wanted.hash
