"""Which config generations are in force, by the subtasks' word. Pure."""

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.live.shapes import ConfigInForce


class Configs:
    """What was published, and who judges by it."""

    def __init__(self) -> None:
        self._records: dict[str, ConfigRecord] = {}
        self._acks = Acknowledgements()
        self.changed = False
        """Whether something has come since `in_force` was asked."""

    def put(self, record: ConfigRecord) -> None:
        """Take a published generation, in any order."""
        before = self._records.get(record.name)
        if before is None or before.generation <= record.generation:
            self._records[record.name] = record
            self.changed = True

    def forget(self, name: str) -> None:
        """Take a tombstone: every subtask has acknowledged the withdrawal."""
        self.changed = self._records.pop(name, None) is not None or self.changed

    def acknowledge(self, ack: ConfigAck) -> None:
        """Take a subtask's word."""
        self._acks.add(ack)
        self.changed = True

    def in_force(self) -> list[ConfigInForce]:
        """Return every config, by name."""
        self.changed = False
        return [self._of(record) for _, record in sorted(self._records.items())]

    def everything(self) -> tuple[list[ConfigRecord], Acknowledgements]:
        """Return the newest generation of every config, by name, and the subtasks' word."""
        return [record for _, record in sorted(self._records.items())], self._acks

    def _of(self, record: ConfigRecord) -> ConfigInForce:
        subtasks = self._acks.parallelism or 0
        complete = self._acks.complete(record)
        return ConfigInForce(
            name=shown(record.name),
            generation=record.generation,
            acknowledged=subtasks - len(self._acks.missing(record)),
            subtasks=subtasks,
            in_force_at=self._acks.applied_at(record) if complete else 0,
            withdrawn=record.withdrawn,
        )
