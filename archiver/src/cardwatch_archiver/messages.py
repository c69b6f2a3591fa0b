"""What is said of Kafka's messages."""

import logging

from confluent_kafka import Message

_log = logging.getLogger(__name__)


def log_left_out(message: Message, why: str) -> None:
    """Log that a message is not kept, by its place: never what it says."""
    _log.warning(
        "left out %s/%s/%s: %s", message.topic(), message.partition(), message.offset(), why
    )
