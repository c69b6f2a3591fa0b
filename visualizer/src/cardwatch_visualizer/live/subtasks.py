"""What each subtask judges by. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import Challenger, ConfigRecord
from cardwatch_visualizer.live.health_shapes import ConfigAcks, SubtaskAck
from cardwatch_visualizer.live.model_shapes import ConfigModels
from cardwatch_visualizer.live.rows import shown

MOST_CONFIGS: Final = 50
"""So many configs are told subtask by subtask; further ones are counted on the live page."""
SHORT_HASH: Final = 7
"""Digits of a hash that tell versions of a model apart."""
_MAX_REASON: Final = 400
_MOST_NAMED: Final = 8


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
                else SubtaskAck(
                    generation=ack.generation,
                    at=ack.applied_at,
                    refused=shown(ack.refused, _MAX_REASON),
                    model=shown(ack.model[:SHORT_HASH]),
                    challenger=shown(ack.challenger[:SHORT_HASH]),
                )
                for ack in said.of(record.name)
            ],
        )
        for record, _ in zip(records, range(MOST_CONFIGS), strict=False)
    ]


def behind_in(acks: ConfigAcks) -> list[int]:
    """Return the subtasks that do not judge by a config's newest generation."""
    return [number for number, ack in enumerate(acks.subtasks) if ack.generation != acks.generation]


def refusing_in(acks: ConfigAcks) -> list[int]:
    """Return the subtasks that do not judge with the models that the newest generation asks for."""
    return [
        number
        for number, ack in enumerate(acks.subtasks)
        if ack.generation == acks.generation and ack.refused
    ]


def in_words(subtasks: Sequence[int]) -> str:
    """Name subtasks, such as `subtasks 0, 3`."""
    named = ", ".join(str(number) for number in subtasks[:_MOST_NAMED])
    more = f" and {len(subtasks) - _MOST_NAMED} more" if len(subtasks) > _MOST_NAMED else ""
    return f"{'subtask' if len(subtasks) == 1 else 'subtasks'} {named}{more}"


def models_of(records: Iterable[ConfigRecord], said: Acknowledgements) -> list[ConfigModels]:
    """Return the models that configs ask for, and who refuses them."""
    found: list[ConfigModels] = []
    for record in records:
        model = None if record.withdrawn else record.spec.model
        if model is None or model.mode == "Off" or len(found) == MOST_CONFIGS:
            continue
        refused: dict[str, list[int]] = {}
        for subtask, why in said.refusals(record).items():
            refused.setdefault(shown(why, _MAX_REASON), []).append(subtask)
        found.append(
            ConfigModels(
                config=shown(record.name),
                generation=record.generation,
                model=Challenger(**_asked(model)),
                mode=model.mode,
                challenger=model.challenger,
                refused=refused,
            )
        )
    return found


def _asked(model: Challenger) -> dict[str, Any]:
    return {name: getattr(model, name) for name in Challenger.__struct_fields__}
