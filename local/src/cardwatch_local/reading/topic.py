"""Reads whole topics, or follows them, without a consumer group of its own."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from cardwatch_contracts.kafka_clients import ClientErrors, refusal_of
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import Topic
from cardwatch_local.errors import StackError
from cardwatch_operator.reader import Isolation, key_of, new_consumer, traceparent_of, value_of

RETRY_S: Final = 10.0
"""How long a broker that does not answer is asked again."""

_BATCH: Final = 10_000
_PATIENCE_S: Final = 0.2

__all__ = [
    "RETRY_S",
    "Isolation",
    "beginnings",
    "follow_topic",
    "key_of",
    "read_topic",
    "traceparent_of",
    "value_of",
    "wait_for_broker",
]


def read_topic(
    bootstrap_servers: Kafka,
    topic: Topic,
    *,
    isolation: Isolation = "read_committed",
    start: Sequence[TopicPartition] | None = None,
) -> Iterator[Message]:
    """Yield what a topic holds, up to its end when each partition is reached.

    Args:
        bootstrap_servers: Kafka's address.
        topic: What to read.
        isolation: Whether records of open and aborted transactions are among them.
        start: Partitions and offsets to begin at; None: all of the topic.

    Raises:
        StackError: The broker does not answer.
    """
    errors = ClientErrors()
    consumer = new_consumer(bootstrap_servers, isolation=isolation, on_error=errors)
    try:
        wait_for_broker(consumer, bootstrap_servers, errors)
        partitions = list(start) if start is not None else beginnings(topic)
        consumer.assign(partitions)
        yield from _until_the_ends(consumer, {part.partition for part in partitions}, topic, errors)
    finally:
        consumer.close()


def follow_topic(
    bootstrap_servers: Kafka,
    topic: Topic,
    *,
    isolation: Isolation = "read_committed",
    start: Sequence[TopicPartition],
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Message]:
    """Yield a topic's records as they come, each at once.

    Raises:
        StackError: The broker has not answered for `RETRY_S`.
    """
    errors = ClientErrors()
    consumer = new_consumer(bootstrap_servers, isolation=isolation, on_error=errors)
    try:
        wait_for_broker(consumer, bootstrap_servers, errors)
        consumer.assign(list(start))
        while not stopped():
            message = consumer.poll(_PATIENCE_S)
            if message is not None and message.error() is None:
                errors.forget()
                yield message
                continue
            if message is not None:
                _refuse(message, topic)
            if errors.has_any:
                wait_for_broker(consumer, bootstrap_servers, errors)
                errors.forget()
    finally:
        consumer.close()


def wait_for_broker(consumer: Consumer, bootstrap_servers: Kafka, errors: ClientErrors) -> None:
    """Return once the broker answers.

    Raises:
        StackError: It did not for `RETRY_S`, or refuses the user.
    """
    deadline = time.monotonic() + RETRY_S
    while True:
        try:
            consumer.list_topics(timeout=max(0.5, min(2.0, deadline - time.monotonic())))
            return
        except KafkaException as error:
            consumer.poll(0)  # lets it tell what happened on its connections
            if errors.refusal:
                raise StackError(f"Kafka at {bootstrap_servers}: {errors.refusal}") from None
            if time.monotonic() >= deadline:
                raise StackError(
                    f"Kafka at {bootstrap_servers} has not answered for {RETRY_S:.0f} s: "
                    f"{errors.cause(error.args[0].str())}. Is the stack running? "
                    "See `cardwatch status`."
                ) from None


def beginnings(topic: Topic) -> list[TopicPartition]:
    """Return every partition of a topic at its first record."""
    return [TopicPartition(topic.name, n, OFFSET_BEGINNING) for n in range(topic.partitions)]


def _until_the_ends(
    consumer: Consumer, open_ends: set[int], topic: Topic, errors: ClientErrors
) -> Iterator[Message]:
    silent_since = time.monotonic()
    while open_ends:
        for message in consumer.consume(_BATCH, timeout=_PATIENCE_S):
            silent_since = time.monotonic()
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                open_ends.discard(message.partition() or 0)
            elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise StackError(
                    f"topic {topic.name} is not there, or has fewer than {topic.partitions} "
                    "partitions: this Kafka was not set up by Cardwatch"
                )
            else:
                _refuse(message, topic)
        if time.monotonic() - silent_since > RETRY_S:
            raise StackError(
                f"Kafka stopped answering while topic {topic.name} was read: "
                f"{len(open_ends)} of its partitions were not read to their end "
                f"({errors.cause()})"
            )


def _refuse(message: Message, topic: Topic) -> None:
    """Raise what a message in a record's place says, if the user is refused."""
    error = message.error()
    if error is not None and (refusal := refusal_of(error)):
        raise StackError(f"topic {topic.name}: {refusal}")
