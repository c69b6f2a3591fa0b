"""Sends ready messages to the topic `transactions`."""

import time
from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaException, Producer

from cardwatch_contracts.kafka_clients import ClientErrors
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_generator.publish import KafkaSettings
from cardwatch_local.errors import StackError


class KafkaSender:
    """A producer that waits while its queue is full and says when Kafka does not take more.

    Raises:
        StackError: No broker answers in time.
    """

    _POLL_S: Final = 0.05

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._error = ""
        self._failed = 0
        self._errors = ClientErrors()
        self._producer = Producer(
            settings.producer_config()
            | {"on_delivery": self._on_failure, "log_level": 0, "error_cb": self._errors}
        )
        try:
            self._producer.list_topics(timeout=settings.connect_timeout_s)
        except KafkaException as error:
            self._producer.poll(0)  # lets it tell what happened on its connections
            raise StackError(
                f"Kafka at {settings.bootstrap_servers} has not answered for "
                f"{settings.connect_timeout_s:g} s: {self._errors.cause(error.args[0].str())}"
            ) from None

    def send(self, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Hand over one message.

        Raises:
            StackError: Kafka did not take an earlier one, or takes nothing for too long.
        """
        deadline = time.monotonic() + self._settings.delivery_timeout_s
        while True:
            try:
                self._producer.produce(
                    TRANSACTIONS.name, key=key, value=value, headers=list(headers)
                )
            except BufferError:
                if time.monotonic() > deadline:
                    self._failed += 1
                self._producer.poll(self._POLL_S)
            else:
                self._producer.poll(0)
                self._check()
                return
            self._check()

    def flush(self) -> None:
        """Return when Kafka has everything.

        Raises:
            StackError: It has not within the settings' time.
        """
        self._failed += self._producer.flush(self._settings.flush_timeout_s)
        self._check()

    def _check(self) -> None:
        if self._failed:
            raise StackError(
                f"Kafka at {self._settings.bootstrap_servers} did not take {self._failed:,} "
                f"transactions: {self._error or 'no answer in time'}"
            )

    def _on_failure(self, error: object, _message: object) -> None:
        if error is not None:
            self._failed += 1
            self._error = str(error)
