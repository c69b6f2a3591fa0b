"""What stands in for the job: it hears of configs and models, and acknowledges as subtasks do."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigAck,
    ConfigRecord,
    decode_config_record,
)
from cardwatch_contracts.topics import CONFIG_ACKS, DETECTOR_CONFIGS, MODELS
from cardwatch_local.models.published import PublishedModels


class Subtasks(threading.Thread):
    """Acknowledges every config of which it is told, with the models as the contract has it."""

    def __init__(self, bootstrap_servers: str, *, parallelism: int = 2) -> None:
        super().__init__(daemon=True)
        self._servers, self._parallelism = bootstrap_servers, parallelism
        self._run_name, self._started_at = uuid.uuid4().hex, time.time_ns() // 1_000_000
        self._ended = threading.Event()
        self.refuses = ""
        """Why the last of them refuses whatever model is asked for; empty: it does not."""

    def run(self) -> None:
        published = PublishedModels()
        consumer = Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": "stand-in",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        producer = Producer({"bootstrap.servers": self._servers, "linger.ms": 0})
        consumer.assign(
            [
                TopicPartition(topic.name, 0, OFFSET_BEGINNING)
                for topic in (MODELS, DETECTOR_CONFIGS)
            ]
        )
        while not self._ended.is_set():
            message = consumer.poll(0.05)
            if message is None or message.error() is not None:
                continue
            key, value = message.key(), message.value()
            assert isinstance(key, bytes)
            if message.topic() == MODELS.name:
                published.take(key, value, 0)
            elif isinstance(value, bytes):
                for ack in self._acks(decode_config_record(value), published):
                    producer.produce(CONFIG_ACKS.name, encode(ack), f"{ack.name}/{ack.subtask}")
                producer.flush(10)
        consumer.close()

    def _acks(self, record: ConfigRecord, published: PublishedModels) -> Iterator[ConfigAck]:
        model = None if record.withdrawn else record.spec.model
        challenger = None if model is None else model.challenger
        for subtask in range(self._parallelism):
            refused = self.refuses if model is not None and subtask else ""
            yield ConfigAck(
                name=record.name,
                generation=record.generation,
                subtask=subtask,
                parallelism=self._parallelism,
                applied_at=time.time_ns() // 1_000_000,
                run=self._run_name,
                started_at=self._started_at,
                model="" if refused else _hash(model, published),
                challenger="" if refused else _hash(challenger, published),
                refused=refused,
            )

    def end(self) -> None:
        self._ended.set()
        self.join(20)


def _hash(wanted: Challenger | None, published: PublishedModels) -> str:
    if wanted is None:
        return ""
    newest = published.newest(wanted.name)
    return wanted.hash or ("" if newest is None else newest.version.hash)


@contextmanager
def running_subtasks(bootstrap_servers: str, parallelism: int = 2) -> Iterator[Subtasks]:
    subtasks = Subtasks(bootstrap_servers, parallelism=parallelism)
    subtasks.start()
    try:
        yield subtasks
    finally:
        subtasks.end()
