"""What to publish, and who has acknowledged it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord, DetectorConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownConfig:
    """What the topic `detector-configs` says of a name."""

    current: ConfigRecord | None
    """The one in force; None if it was withdrawn."""
    generation: int
    """The highest ever seen in the topic."""


def plan(
    configs: Iterable[DetectorConfig], known: Mapping[str, KnownConfig], *, now_ms: int
) -> tuple[list[ConfigRecord], list[ConfigRecord]]:
    """Return the records to publish, and those in force that say the same already."""
    changed, unchanged = [], []
    for config in configs:
        name = config.metadata.name
        before = known.get(name, KnownConfig(current=None, generation=0))
        current = before.current
        if current is not None and current.spec == config.spec:
            unchanged.append(current)
            continue
        changed.append(
            ConfigRecord(
                name=name,
                generation=before.generation + 1,
                created_at=now_ms if current is None else current.created_at,
                spec=config.spec,
            )
        )
    return changed, unchanged


class Acknowledgements:
    """Collects the subtasks' word on one generation of one config."""

    def __init__(self, record: ConfigRecord) -> None:
        self._record = record
        self._by_subtask: dict[int, ConfigAck] = {}

    def add(self, ack: ConfigAck) -> None:
        """Take an acknowledgement; those of other configs or generations are passed over."""
        if (ack.name, ack.generation) == (self._record.name, self._record.generation):
            self._by_subtask[ack.subtask] = ack

    @property
    def parallelism(self) -> int | None:
        """How many subtasks there are by the newest acknowledgement; None before the first."""
        newest = max(self._by_subtask.values(), key=lambda ack: ack.applied_at, default=None)
        return newest.parallelism if newest else None

    @property
    def missing(self) -> tuple[int, ...]:
        """Subtasks that have not acknowledged; empty also before the first has."""
        return tuple(n for n in range(self.parallelism or 0) if n not in self._by_subtask)

    @property
    def complete(self) -> bool:
        """Whether every subtask has acknowledged."""
        return self.parallelism is not None and not self.missing
