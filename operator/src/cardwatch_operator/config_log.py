"""DetectorConfigs in Kafka: read to the end, and written by one writer at a time.

Records and their history are written in one Kafka transaction. Every writer takes the same
transactional id, so who begins ends what others had begun, and whoever was overtaken cannot commit
what it had planned by an older reading.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_contracts.kafka_clients import ClientErrors, client_properties, refusal_of
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.messaging import config_context, sent_config
from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import CONFIG_HISTORY, DETECTOR_CONFIGS
from cardwatch_operator.config_topics import ConfigTopics
from cardwatch_operator.reader import new_consumer

_PATIENCE_S: Final = 0.2
_WRITER: Final = "cardwatch-detector-configs"
"""Transactional id of all writers."""


class BrokerError(Exception):
    """Kafka did not answer, or did not take what was written; the message says which."""


class OvertakenError(BrokerError):
    """Another writer has begun since this one had: read again, and plan again."""


class ConfigLog:
    """The topics `detector-configs` and `detector-config-history`."""

    def __init__(
        self, kafka: Kafka, *, timeout_s: float = 10.0, exporter: Exporter | None = None
    ) -> None:
        """Wait for the broker at most `timeout_s` in each call; record in `exporter`."""
        self._kafka = kafka
        self._exporter = exporter
        self._timeout_s = timeout_s
        self._producer: Producer | None = None
        self._errors = ClientErrors()

    def begin(self) -> None:
        """Become the writer: what others have begun and not committed is ended.

        Raises:
            BrokerError: Kafka does not answer.
        """
        self._errors = ClientErrors()
        producer = Producer(
            {
                **client_properties(self._kafka),
                "error_cb": self._errors,
                "transactional.id": _WRITER,
                "transaction.timeout.ms": int(self._timeout_s * 1000),
                "linger.ms": 0,
                "log_level": 0,  # what is wrong is said once, by us
            }
        )
        try:
            producer.init_transactions(self._timeout_s)
        except KafkaException as error:
            with suppress(KafkaException):
                producer.poll(0)  # lets it tell what happened on its connections
            raise self._error(error.args[0]) from None
        self._producer = producer

    def read(self) -> ConfigTopics:
        """Return what both topics hold.

        Raises:
            BrokerError: Kafka does not answer.
        """
        errors = ClientErrors()
        consumer = new_consumer(self._kafka, on_error=errors)
        topics = ConfigTopics()
        names = {CONFIG_HISTORY.name, DETECTOR_CONFIGS.name}
        deadline = time.monotonic() + self._timeout_s
        try:
            consumer.assign([TopicPartition(name, 0, OFFSET_BEGINNING) for name in names])
            while names:
                message = consumer.poll(_PATIENCE_S)
                if errors.refusal:
                    raise BrokerError(f"Kafka at {self._kafka}: {errors.refusal}")
                if time.monotonic() > deadline:
                    raise BrokerError(
                        f"Kafka at {self._kafka} has not answered for {self._timeout_s:g} s: "
                        f"{errors.cause()}"
                    )
                if message is None:
                    continue
                error = message.error()
                if error is None:
                    topics.take(message)
                    deadline = time.monotonic() + self._timeout_s
                elif error.code() == KafkaError._PARTITION_EOF:
                    names.discard(message.topic() or "")
                elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise BrokerError(
                        f"Kafka at {self._kafka} has no topic {message.topic()}: it was not set "
                        "up by Cardwatch"
                    )
                else:
                    errors(error)
        finally:
            consumer.close()
        return topics

    def publish(self, records: Iterable[ConfigRecord]) -> None:
        """Write records and their history, all or none.

        Raises:
            OvertakenError: another writer has begun; nothing was written.
            BrokerError: Kafka did not take them.
        """
        records = tuple(records)
        start_ns = time.time_ns()
        self._write(
            (topic, key, encode(record), config_context(record).traceparent)
            for record in records
            for topic, key in (
                (DETECTOR_CONFIGS.name, record.name),
                (CONFIG_HISTORY.name, f"{record.name}/{record.generation}"),
            )
        )
        if self._exporter is not None:
            end_ns = time.time_ns()
            self._exporter.put_made(
                *(sent_config(each, start_ns=start_ns, end_ns=end_ns) for each in records)
            )

    def publish_again(self, record: ConfigRecord) -> None:
        """Write a record once more, for those who did not hear it; not its history.

        Raises:
            OvertakenError: another writer has begun; nothing was written.
            BrokerError: Kafka did not take it.
        """
        traceparent = config_context(record).traceparent
        self._write([(DETECTOR_CONFIGS.name, record.name, encode(record), traceparent)])

    def forget(self, names: Iterable[str]) -> None:
        """Let Kafka forget configs that are withdrawn everywhere.

        Raises:
            OvertakenError: another writer has begun; nothing was written.
            BrokerError: Kafka did not take it.
        """
        self._write((DETECTOR_CONFIGS.name, name, None, "") for name in names)

    def _write(self, records: Iterable[tuple[str, str, bytes | None, str]]) -> None:
        """Write records: topic, key, value, trace context."""
        assert self._producer is not None, "begin() was called"
        producer = self._producer
        try:
            producer.begin_transaction()
            for topic, key, value, traceparent in records:
                headers = [(TRACEPARENT_HEADER, traceparent.encode())] if traceparent else []
                producer.produce(topic, key=key.encode(), value=value, headers=[*headers])
            producer.commit_transaction(self._timeout_s)
        except KafkaException as error:
            self._producer = None
            cause = error.args[0]
            if cause.txn_requires_abort():
                with suppress(KafkaException):
                    producer.abort_transaction(self._timeout_s)
            if cause.fatal() and not refusal_of(cause):
                raise OvertakenError("another writer of DetectorConfigs has begun") from None
            raise self._error(cause) from None

    @property
    def is_writer(self) -> bool:
        """Whether `begin` was called, and nothing went wrong since."""
        return self._producer is not None

    def _error(self, error: KafkaError) -> BrokerError:
        cause = refusal_of(error) or self._errors.refusal or error.str()
        return BrokerError(f"Kafka at {self._kafka}: {cause}")
