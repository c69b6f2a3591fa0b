"""Sends records to Kafka, and knows that it has them."""

import time
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties, refusal_of
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import Topic
from cardwatch_local.errors import StackError

_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.05


class Sender:
    """Sends to one topic; every replica that is in step has a record before it counts as sent."""

    def __init__(self, kafka: Kafka, topic: Topic, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Send to `topic`; Kafka has `timeout_s` to take a record."""
        self._kafka, self._topic, self._timeout_s = kafka, topic, timeout_s
        self._errors = ClientErrors()
        self._failure: KafkaError | None = None
        self.acknowledged = 0
        """How many records Kafka has."""
        self._producer = Producer(
            {
                **client_properties(kafka),
                "enable.idempotence": True,
                "acks": "all",
                "message.max.bytes": topic.max_message_bytes,
                "delivery.timeout.ms": int(timeout_s * 1000),
                "log_level": 0,  # what is wrong is said once, by us
                "error_cb": self._errors,
                "on_delivery": self._delivered,
            }
        )

    def send(self, key: bytes, value: bytes | None) -> None:
        """Hand over a record, a tombstone where there is no value; waits while the queue is full.

        Raises:
            StackError: Kafka did not take it, or an earlier one.
        """
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                self._producer.produce(self._topic.name, key=key, value=value)
            except BufferError:
                if time.monotonic() > deadline:
                    raise self._failed("no answer in time") from None
                self._producer.poll(_POLL_S)
            except KafkaException as error:
                raise self._failed(error.args[0].str()) from None
            else:
                self._producer.poll(0)
                self._check()
                return

    def flush(self) -> None:
        """Return once Kafka has all of them.

        Raises:
            StackError: It did not take them all.
        """
        left = self._producer.flush(self._timeout_s + 1)
        self._check()
        if left:
            raise self._failed("no answer in time")

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self._failure = self._failure or error

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failed(refusal_of(self._failure) or self._failure.str())

    def _failed(self, otherwise: str) -> StackError:
        return StackError(
            f"topic {self._topic.name} of Kafka at {self._kafka} did not take what was sent: "
            f"{self._errors.cause(otherwise)}"
        )
