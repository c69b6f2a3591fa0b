"""What models say, into Kafka, and what pages know of it."""

from typing import Any

from confluent_kafka import Producer
from tests.integration.visualizer.configs import now_ms
from tests.unit.visualizer.model_samples import said

from cardwatch_contracts.alert import Finding, FindingMode
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigRecord,
    DetectorConfigSpec,
    Model,
    Selector,
)
from cardwatch_contracts.model_stats import ModelStats
from cardwatch_contracts.topics import MODEL_STATS
from cardwatch_local.endpoints import Endpoints
from cardwatch_visualizer.live.kept import KeptReader
from cardwatch_visualizer.live.model_shapes import ModelSeen
from cardwatch_visualizer.live.store import valkey_client


def tell(bootstrap_servers: str, *windows: ModelStats) -> None:
    """Say what models have seen, as subtasks do."""
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for each in windows:
        key = f"{each.config}/{each.role}/{each.subtask}"
        producer.produce(MODEL_STATS.name, encode(each), key, timestamp=each.ends_at)
    assert producer.flush(30) == 0


def window(config: str, *, age_s: int = 0, **of: Any) -> ModelStats:
    ends_at = now_ms() - 1_000 * age_s
    return said(config=config, begins_at=ends_at - 10_000, ends_at=ends_at, **of)


def seen_of(endpoints: Endpoints, config: str, role: str = "model") -> ModelSeen | None:
    models = KeptReader(valkey_client(endpoints.valkey_url)).models()
    found = [each for each in models.seen if (each.config, each.role) == (config, role)]
    return found[0] if found else None


def asking(name: str) -> ConfigRecord:
    model = Model(name="july", challenger=Challenger(name="june"))
    spec = DetectorConfigSpec(selector=Selector(bank_ids=("nobody",)), model=model)
    return ConfigRecord(name=name, generation=1, created_at=now_ms(), spec=spec)


def a_finding(detector: str, model: str | None, mode: FindingMode = "active") -> Finding:
    return Finding(
        detector=detector,
        observed=0.93,
        threshold=0.6,
        unit="risk",
        reason="at night",
        counterfactual="no finding below 0.6",
        mode=mode,
        model=model,
    )
