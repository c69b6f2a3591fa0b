"""Consumers that read topics to their ends and beyond, and what their messages hold."""

import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import Final, Literal, cast

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import Topic

_PATIENCE_S: Final = 0.5
Isolation = Literal["read_committed", "read_uncommitted"]


def new_consumer(
    kafka: Kafka,
    *,
    isolation: Isolation = "read_committed",
    on_error: Callable[[KafkaError], None] | None = None,
) -> Consumer:
    """Make a consumer that commits nothing and says where a partition ends."""
    return Consumer(
        {
            **client_properties(kafka),
            "group.id": "cardwatch-reader",  # required by the client, never joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
            "auto.offset.reset": "earliest",
            "log_level": 0,  # what is wrong is said once, by us
            "error_cb": on_error or (lambda _error: None),
        }
    )


def traceparent_of(message: Message) -> str | None:
    """Return the trace context in a record's header, None where there is none."""
    headers = dict(cast(list[tuple[str, bytes | None]], message.headers() or []))
    value = headers.get(TRACEPARENT_HEADER)
    return None if value is None else value.decode(errors="replace")


def value_of(message: Message) -> bytes | None:
    """Return a record's value as bytes; None for a tombstone."""
    value = message.value()
    return value.encode() if isinstance(value, str) else value


def key_of(message: Message) -> bytes | None:
    """Return a record's key as bytes; None where it has none."""
    key = message.key()
    return key.encode() if isinstance(key, str) else key


class Follower(threading.Thread):
    """Reads a topic until `end`, and has its messages taken in their order."""

    def __init__(self, kafka: Kafka, topic: Topic, *, isolation: Isolation, start: int) -> None:
        """Read from `start`: `OFFSET_BEGINNING` or `OFFSET_END`."""
        super().__init__(name=topic.name, daemon=True)
        self._kafka = kafka
        self.errors = ClientErrors()
        """What keeps it from reading."""
        self._topic = topic
        self._isolation: Isolation = isolation
        self._start = start
        self._ended = threading.Event()

    def run(self) -> None:
        """Read until `end`."""
        consumer = new_consumer(self._kafka, isolation=self._isolation, on_error=self.errors)
        consumer.assign(
            [
                TopicPartition(self._topic.name, partition, self._start)
                for partition in range(self._topic.partitions)
            ]
        )
        try:
            while not self._ended.is_set():
                message = consumer.poll(_PATIENCE_S)
                if message is None:
                    continue
                error = message.error()
                if error is None:
                    self.errors.forget()
                    self.take(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    self.errors.forget()
                    self.reached_end()
                else:
                    self.errors(error)
        finally:
            consumer.close()

    @abstractmethod
    def take(self, message: Message) -> None:
        """Take a message."""

    def reached_end(self) -> None:
        """Take notice that a partition has been read to its end."""

    def end(self) -> None:
        """Stop reading, and wait for it."""
        self._ended.set()
        self.join()
