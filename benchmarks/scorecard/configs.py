"""Which models judge which world: DetectorConfigs, and how they are put in force."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from confluent_kafka import Producer

from benchmarks.errors import BenchError
from benchmarks.scorecard.records import World
from cardwatch_contracts.detector_config import (
    API_VERSION,
    Challenger,
    ConfigRecord,
    DetectorConfig,
    DetectorConfigSpec,
    Detectors,
    Metadata,
    Model,
    Selector,
)
from cardwatch_contracts.topics import MODELS
from cardwatch_job.model.artefact import Artefact, encode_artefact
from cardwatch_local.configs.apply import publish_and_wait
from cardwatch_operator.config_topics import ConfigTopics
from cardwatch_operator.plan import plan_documents

_TIMEOUT_S: Final = 120.0
_FLUSH_S: Final = 30.0
IN_THE_SHADOW: Final = Detectors(
    **{
        field.name: msgspec.structs.replace(field.default, mode="Shadow")
        for field in msgspec.structs.fields(Detectors)
        if field.default.mode == "Active"
    }
)
"""The rules that are on by default look, and none keeps a habit from being learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Models that judge one world."""

    model: Artefact
    challenger: Artefact | None = None
    threshold: float = 0.0
    """Of both, a risk: 0 has every payment raise an alert."""


def config_of(world: World, pair: Pair, rules: Detectors) -> DetectorConfig:
    """Return the config by which both models judge every payment in a world, in the shadow."""
    challenger = None
    if pair.challenger is not None:
        challenger = Challenger(
            name=pair.challenger.name, hash=pair.challenger.hash, threshold=pair.threshold
        )
    return DetectorConfig(
        api_version=API_VERSION,
        metadata=Metadata(name=f"scorecard-{world.bank_id}"),
        spec=DetectorConfigSpec(
            selector=Selector(bank_ids=(world.bank_id,)),
            detectors=rules,
            model=Model(
                name=pair.model.name,
                hash=pair.model.hash,
                threshold=pair.threshold,
                mode="Shadow",
                challenger=challenger,
            ),
        ),
    )


def judge_worlds(bootstrap_servers: str, pairs: Mapping[World, Pair], *, rules: Detectors) -> float:
    """Have models judge worlds, beside rules; return how long until every subtask does. Seconds.

    Raises:
        BenchError: a subtask refuses a model or does not answer.
    """
    models = (each for pair in pairs.values() for each in (pair.model, pair.challenger) if each)
    configs = [config_of(world, pair, rules) for world, pair in pairs.items()]
    return put_in_force(bootstrap_servers, configs, models)


def put_in_force(
    bootstrap_servers: str, configs: Sequence[DetectorConfig], models: Iterable[Artefact]
) -> float:
    """Publish models and the configs that ask for them; return how long it took. Seconds.

    Raises:
        BenchError: a subtask refuses a model or does not answer.
    """
    began_s = time.monotonic()
    _publish(bootstrap_servers, models)

    def plan(topics: ConfigTopics) -> Sequence[ConfigRecord]:
        now_ms = time.time_ns() // 1_000_000
        changed, _ = plan_documents(configs, topics.known, now_ms=now_ms, changed_by="scorecard")
        return changed

    for applied in publish_and_wait(bootstrap_servers, plan, timeout_s=_TIMEOUT_S):
        if not applied.is_complete:
            acks = applied.acknowledgements
            refused = "; ".join(acks.refusals(applied.record).values())
            raise BenchError(
                f"{applied.record.name} is not in force everywhere after {applied.seconds:.0f} s: "
                f"{refused or 'a subtask does not answer'}"
            )
    return time.monotonic() - began_s


def _publish(bootstrap_servers: str, models: Iterable[Artefact]) -> None:
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "message.max.bytes": MODELS.max_message_bytes}
    )
    for artefact in {each.hash: each for each in models}.values():
        key = f"{artefact.name}/{artefact.hash}"
        producer.produce(MODELS.name, encode_artefact(artefact), key)
    if left := producer.flush(_FLUSH_S):
        raise BenchError(f"Kafka did not take {left} models within {_FLUSH_S:.0f} s")
