"""Consumers that read topics to their ends, and what their messages hold."""

from collections.abc import Callable
from typing import Literal

from confluent_kafka import Consumer, KafkaError, Message

Isolation = Literal["read_committed", "read_uncommitted"]


def new_consumer(
    bootstrap_servers: str,
    *,
    isolation: Isolation = "read_committed",
    on_error: Callable[[KafkaError], None] | None = None,
) -> Consumer:
    """Make a consumer that commits nothing and says where a partition ends."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "cardwatch-reader",  # required by the client, never joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
            "auto.offset.reset": "earliest",
            "log_level": 0,  # what is wrong is said once, by us
            "error_cb": on_error or (lambda _error: None),
        }
    )


def value_of(message: Message) -> bytes | None:
    """Return a record's value as bytes; None for a tombstone."""
    value = message.value()
    return value.encode() if isinstance(value, str) else value


def key_of(message: Message) -> bytes | None:
    """Return a record's key as bytes; None where it has none."""
    key = message.key()
    return key.encode() if isinstance(key, str) else key
