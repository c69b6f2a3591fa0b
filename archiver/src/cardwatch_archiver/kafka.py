"""A topic, read partition by partition from any offset."""

import logging
from collections.abc import Mapping
from threading import Event
from time import monotonic
from typing import Any, Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties, refusal_of
from cardwatch_contracts.kafka_settings import Kafka

_log = logging.getLogger(__name__)

_ASK_S: Final = 1.0
_TRANSPORT: Final = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE)


class KafkaFailedError(Exception):
    """Kafka or the topic is missing, or refuses what waiting does not mend."""


class TopicReader:
    """All partitions of a topic, assigned by hand: its offsets live in the store, not in Kafka."""

    def __init__(
        self, kafka: Kafka, topic: str, *, stop: Event, start_timeout_s: float = 60.0
    ) -> None:
        """Wait for the topic.

        Args:
            kafka: where it is.
            topic: its name.
            stop: set from outside to end the wait.
            start_timeout_s: how long it may be missing. Seconds.

        Raises:
            KafkaFailedError: it is not there in time, or the wait was ended by `stop`.
        """
        self._kafka = kafka
        self._topic = topic
        self._errors = ClientErrors()
        address: dict[str, Any] = {
            **client_properties(kafka),
            "log_level": 2,  # what the client says of a broker that is away, `_on_error` says once
            "error_cb": self._on_error,
        }
        self._unreachable = False
        self._admin = AdminClient(address)
        self.topic_id, self._partitions = self._wait_for_topic(start_timeout_s, stop)
        self._consumer = Consumer(
            {
                **address,
                "group.id": "cardwatch-archiver",  # needed by the client; no group is joined
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "queued.max.messages.kbytes": 16_384,
            }
        )

    @property
    def name(self) -> str:
        """The topic's name."""
        return self._topic

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Go on from these offsets; a partition that is left out begins at its beginning."""
        self._consumer.assign(
            [
                TopicPartition(self._topic, partition, offsets.get(partition, OFFSET_BEGINNING))
                for partition in range(self._partitions)
            ]
        )

    def lost(self, offsets: Mapping[int, int]) -> int:
        """Return how many records Kafka has deleted that lie behind these offsets.

        Waits for the broker, a second for each partition at most; of one that does not answer
        nothing is known, and nothing counted.
        """
        lost = 0
        for partition, offset in offsets.items():
            place = TopicPartition(self._topic, partition)
            try:
                low, _ = self._consumer.get_watermark_offsets(place, timeout=_ASK_S)
            except KafkaException:
                continue
            lost += max(0, low - offset)
        return lost

    def take(self, size: int, wait_s: float) -> list[Message]:
        """Return the next messages, none if there are none in time.

        Raises:
            KafkaFailedError: the broker refuses, such as for a topic that was removed.
        """
        messages: list[Message] = []
        try:
            taken = self._consumer.consume(size, wait_s)
        except KafkaException as failure:
            raise KafkaFailedError(str(failure.args[0])) from None
        for message in taken:
            error = message.error()
            if error is None:
                messages.append(message)
            elif error.code() not in _TRANSPORT:
                raise KafkaFailedError(f"{self._topic}: {refusal_of(error) or error.str()}")
        if self._errors.refusal:
            raise KafkaFailedError(self._errors.refusal)
        if messages and self._unreachable:
            self._unreachable = False
            _log.info("Kafka answers again")
        return messages

    def behind(self, offsets: Mapping[int, int]) -> int:
        """Return how many records lie behind these offsets, as far as the broker has said.

        A partition that is left out is not written at all; one of which the broker has said
        nothing yet counts as read.
        """
        behind = 0
        for partition in range(self._partitions):
            place = TopicPartition(self._topic, partition)
            low, high = self._consumer.get_watermark_offsets(place, cached=True)
            # Records that were compacted away, or deleted, are not to be waited for.
            behind += max(0, high - max(offsets.get(partition, 0), low))
        return behind

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()

    def check_same(self) -> bool:
        """Look whether the topic is still the one that was opened: the consumer would not say.

        Returns:
            Whether it is; False where Kafka does not answer.

        Raises:
            KafkaFailedError: it was removed or made anew. A start over begins with the new one.
        """
        try:
            topic_id, _ = self._describe()
        except (KafkaException, TimeoutError) as error:
            code = error.args[0].code() if isinstance(error, KafkaException) else None
            if code != KafkaError.UNKNOWN_TOPIC_OR_PART:
                return False  # Kafka is away: its word counts when it is back
            topic_id = None
        if topic_id != self.topic_id:
            raise KafkaFailedError(f"the topic `{self._topic}` was removed or made anew")
        return True

    def _wait_for_topic(self, timeout_s: float, stop: Event) -> tuple[str, int]:
        """Return the topic's id and how many partitions it has, once it is there."""
        deadline_s = monotonic() + timeout_s
        while not stop.is_set():
            try:
                return self._describe()
            except (KafkaException, TimeoutError) as error:
                self._admin.poll(0)  # lets it tell what happened on its connections
                if isinstance(error, KafkaException):
                    self._errors(error.args[0])
                if self._errors.refusal:
                    raise KafkaFailedError(
                        f"Kafka at {self._kafka}: {self._errors.refusal}"
                    ) from None
                if monotonic() >= deadline_s:
                    raise KafkaFailedError(
                        f"no topic `{self._topic}` at {self._kafka} within {timeout_s:.0f} s "
                        f"({self._errors.cause(str(error))}): is Kafka running there?"
                    ) from None
            stop.wait(_ASK_S / 4)
        raise KafkaFailedError("stopped while waiting for Kafka")

    def _describe(self) -> tuple[str, int]:
        answer = self._admin.describe_topics(TopicCollection([self._topic]), request_timeout=_ASK_S)
        topic = answer[self._topic].result(_ASK_S)
        return str(topic.topic_id), len(topic.partitions)

    def _on_error(self, error: KafkaError) -> None:
        """Say once that Kafka is away; the client reconnects by itself, for ever."""
        self._errors(error)
        if error.code() == KafkaError._ALL_BROKERS_DOWN and not self._unreachable:
            self._unreachable = True
            _log.warning("no Kafka broker answers: trying again")
