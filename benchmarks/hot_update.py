"""How long it takes from publishing a DetectorConfig until every subtask judges by it."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from confluent_kafka import Consumer, Producer

from benchmarks.errors import BenchError
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    Model,
    VeryHighValueConfig,
    decode_config_ack,
)
from cardwatch_contracts.topics import CONFIG_ACKS, DETECTOR_CONFIGS, MODELS
from cardwatch_job.model.artefact import Artefact, encode_artefact
from cardwatch_local.reading.topic import beginnings, value_of
from cardwatch_operator.reader import new_consumer

_NAME: Final = "bench"
_TIMEOUT_S: Final = 60.0


class Updater:
    """Publishes one config after the other and waits for the acknowledgements of each."""

    def __init__(self, bootstrap_servers: str, subtasks: int) -> None:
        """Wait for the acknowledgements of `subtasks`."""
        self._subtasks = subtasks
        self._generation = 0
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "linger.ms": 0,
                "message.max.bytes": MODELS.max_message_bytes,
            }
        )
        self._consumer: Consumer = new_consumer(bootstrap_servers, isolation="read_uncommitted")
        self._consumer.assign(beginnings(CONFIG_ACKS))

    def update(self) -> float:
        """Change a threshold; return how long until every subtask acknowledged. Milliseconds.

        Raises:
            BenchError: one did not within a minute.
        """
        threshold = VeryHighValueConfig(max_amount_minor=1_000_000 + self._generation)
        return self.put(DetectorConfigSpec(detectors=Detectors(very_high_value=threshold)))

    def swap(self, model: Artefact) -> float:
        """Publish a model and put it in force; return how long until every subtask judges with it.

        Milliseconds.

        Raises:
            BenchError: one did not within a minute.
        """
        began = time.monotonic()
        key = f"{model.name}/{model.hash}"
        self._producer.produce(MODELS.name, encode_artefact(model), key)
        self._producer.flush(_TIMEOUT_S)
        wanted = Model(name=model.name, hash=model.hash)
        return (time.monotonic() - began) * 1000 + self.put(DetectorConfigSpec(model=wanted))

    def put(self, spec: DetectorConfigSpec) -> float:
        """Put a config in force; return how long until every subtask acknowledged. Milliseconds.

        Raises:
            BenchError: one did not within a minute.
        """
        self._generation += 1
        record = ConfigRecord(name=_NAME, generation=self._generation, created_at=1, spec=spec)
        wanted = "" if spec.model is None else spec.model.hash
        began = time.monotonic()
        self._producer.produce(DETECTOR_CONFIGS.name, encode(record), _NAME.encode())
        self._producer.flush(_TIMEOUT_S)
        missing = set(range(self._subtasks))
        while missing:
            if time.monotonic() - began > _TIMEOUT_S:
                raise BenchError(
                    f"generation {self._generation}: subtasks {sorted(missing)} did not "
                    f"acknowledge within {_TIMEOUT_S:.0f} s"
                )
            message = self._consumer.poll(0.1)
            if message is None or message.error() is not None:
                continue
            ack = decode_config_ack(value_of(message))
            if (ack.name, ack.generation, ack.model) == (_NAME, self._generation, wanted):
                missing.discard(ack.subtask)
        return (time.monotonic() - began) * 1000

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()


def update_repeatedly(updater: Updater, count: int, pause: Callable[[], object]) -> Sequence[float]:
    """Update `count` times with a pause before each; return the latencies. Milliseconds."""
    latencies_ms = []
    for _ in range(count):
        pause()
        latencies_ms.append(updater.update())
    return latencies_ms
