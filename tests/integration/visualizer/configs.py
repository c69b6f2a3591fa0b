"""DetectorConfigs, acknowledgements and dead letters for tests, into Kafka."""

import time
import uuid
from typing import Any

from confluent_kafka import Producer
from tests.integration.gateway.running import eventually

from cardwatch_contracts.codec import encode
from cardwatch_contracts.dead_letter import DeadLetter
from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord
from cardwatch_contracts.topics import (
    CONFIG_ACKS,
    CONFIG_HISTORY,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
)
from cardwatch_visualizer.live.kept import KeptReader
from cardwatch_visualizer.live.store import valkey_client


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def new_name() -> str:
    return f"config-{uuid.uuid4().hex[:12]}"


def publish(bootstrap_servers: str, *records: ConfigRecord) -> None:
    """Publish generations and their history, in order."""
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for record in records:
        producer.produce(DETECTOR_CONFIGS.name, encode(record), record.name)
        producer.produce(CONFIG_HISTORY.name, encode(record), f"{record.name}/{record.generation}")
    assert producer.flush(30) == 0


def until_known(valkey_url: str, name: str, generations: int) -> None:
    """Wait until pages know that many generations of a config."""
    kept = KeptReader(valkey_client(valkey_url))

    def is_known() -> bool:
        found = kept.configs().find(name)
        return found is not None and len(found.generations) == generations

    eventually(is_known, f"pages know {generations} generations of {name}")


def acknowledge(bootstrap_servers: str, *acks: ConfigAck) -> None:
    """Say that subtasks judge by something."""
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for ack in acks:
        producer.produce(CONFIG_ACKS.name, encode(ack), f"{ack.name}/{ack.subtask}")
    assert producer.flush(30) == 0


def new_letter(**of: Any) -> DeadLetter:
    """Make a dead letter with a reason of its own."""
    given: dict[str, Any] = {
        "reason": f"not JSON: {uuid.uuid4().hex}",
        "topic": "transactions",
        "partition": 1,
        "offset": 7,
        "ingested_at": now_ms(),
        "size_bytes": 3,
        "excerpt": "{a:",
    }
    return DeadLetter(**(given | of))


def set_aside(bootstrap_servers: str, *letters: DeadLetter) -> None:
    """Write dead letters."""
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for letter in letters:
        key = f"{letter.topic}/{letter.partition}/{letter.offset}"
        producer.produce(DEAD_LETTERS.name, encode(letter), key)
    assert producer.flush(30) == 0
