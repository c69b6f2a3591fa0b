"""What subtasks say of the models they judge with, added up. Pure, but for the reading."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from confluent_kafka import TopicPartition

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.model_stats import (
    RISK_BINS,
    ModelStats,
    Role,
    SeenFeature,
    decode_model_stats,
)
from cardwatch_contracts.topics import MODEL_STATS
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import read_topic, value_of

DRIFTED: Final = 0.5
"""Shift of a feature's mean that is worth telling. Standard deviations of training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What one model of one config has seen and said, in all subtasks together."""

    config: str
    role: Role
    begins_at: int
    """Milliseconds since 1970-01-01 UTC."""
    ends_at: int
    scored: int
    """Transactions."""
    findings: int
    risks: Sequence[int]
    """Transactions by risk: `RISK_BINS` counts."""
    trained_risks: Sequence[float]
    """Shares of the same in the rehearsal; empty where that is not known."""
    features: dict[str, SeenFeature]

    @property
    def shifts(self) -> dict[str, float]:
        """How far means have moved since training, in its standard deviations."""
        return {
            name: (seen.mean - seen.trained_mean) / seen.trained_deviation
            for name, seen in self.features.items()
            if seen.trained_deviation > 0
        }


def read_live(kafka: Kafka, model_hash: str, *, since_ms: int) -> list[Live]:
    """Add up what was said of a model since a time, milliseconds since 1970-01-01 UTC.

    Raises:
        StackError: The broker does not answer.
    """
    offsets = OffsetReader(kafka)
    ends = offsets.ends([MODEL_STATS])
    start = [
        TopicPartition(topic, number, ends[topic, number] if offset < 0 else offset)
        for (topic, number), offset in offsets.at_time([MODEL_STATS], since_ms).items()
    ]
    said: list[ModelStats] = []
    for message in read_topic(kafka, MODEL_STATS, start=start):
        with suppress(InvalidRecordError):
            stats = decode_model_stats(value_of(message))
            if stats.hash == model_hash:
                said.append(stats)
    return added_up(said)


def added_up(said: Iterable[ModelStats]) -> list[Live]:
    """Add up what subtasks have said, one sum for each config and role."""
    of: dict[tuple[str, Role], list[ModelStats]] = defaultdict(list)
    for stats in said:
        of[stats.config, stats.role].append(stats)
    return [
        Live(
            config=config,
            role=role,
            begins_at=min(each.begins_at for each in every),
            ends_at=max(each.ends_at for each in every),
            scored=sum(each.scored for each in every),
            findings=sum(each.findings for each in every),
            risks=[sum(counts) for counts in zip(*(_risks(each) for each in every), strict=True)],
            trained_risks=every[-1].trained_risks,
            features=_pooled(every),
        )
        for (config, role), every in sorted(of.items())
    ]


def _risks(stats: ModelStats) -> Sequence[int]:
    return stats.risks if len(stats.risks) == RISK_BINS else [0] * RISK_BINS


def _pooled(every: Sequence[ModelStats]) -> dict[str, SeenFeature]:
    """Return mean and deviation of all, each window weighing what it scored."""
    names = dict.fromkeys(name for stats in every for name in stats.features)
    pooled = {}
    for name in names:
        own = [(each.scored, each.features[name]) for each in every if name in each.features]
        weight = sum(scored for scored, _ in own)
        if not weight:
            continue
        mean = sum(scored * seen.mean for scored, seen in own) / weight
        square = sum(scored * (seen.deviation**2 + seen.mean**2) for scored, seen in own) / weight
        pooled[name] = SeenFeature(
            mean=mean,
            deviation=math.sqrt(max(0.0, square - mean * mean)),
            trained_mean=own[-1][1].trained_mean,
            trained_deviation=own[-1][1].trained_deviation,
        )
    return pooled
