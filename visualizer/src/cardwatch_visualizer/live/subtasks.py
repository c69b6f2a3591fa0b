"""What each subtask judges by. Pure."""

from collections.abc import Iterable
from typing import Final

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_visualizer.live.health_shapes import ConfigAcks, SubtaskAck
from cardwatch_visualizer.live.rows import shown

MOST_CONFIGS: Final = 50
"""So many configs are told subtask by subtask; further ones are counted on the live page."""


def acks_of(records: Iterable[ConfigRecord], said: Acknowledgements) -> list[ConfigAcks]:
    """Return the subtasks' word on each config, in the configs' order."""
    return [
        ConfigAcks(
            name=shown(record.name),
            generation=record.generation,
            withdrawn=record.withdrawn,
            subtasks=[
                SubtaskAck(generation=None, at=None)
                if ack is None
                else SubtaskAck(generation=ack.generation, at=ack.applied_at)
                for ack in said.of(record.name)
            ],
        )
        for record, _ in zip(records, range(MOST_CONFIGS), strict=False)
    ]


def behind_in(acks: ConfigAcks) -> list[int]:
    """Return the subtasks that do not judge by a config's newest generation."""
    return [number for number, ack in enumerate(acks.subtasks) if ack.generation != acks.generation]
