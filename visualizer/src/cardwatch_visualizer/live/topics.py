"""What the collector reads: alerts, windows' sums, models' word, configs and who judges by them."""

from typing import Any, Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaException,
    Message,
    TopicPartition,
)

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import (
    ALERTS,
    CARDS,
    CONFIG_ACKS,
    CONFIG_HISTORY,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
    MODEL_STATS,
    STATS,
    Topic,
)
from cardwatch_visualizer.live.models import KEEP_MS

BACK_MS: Final = 15 * 60_000
"""How far back alerts are read at the start. Milliseconds."""
_MOST_BACK: Final = 50_000
"""Alerts that are read at the start at most."""
_ASK_S: Final = 5.0
_TAKE: Final = 1_000


class LiveTopics:
    """One consumer of committed records of all of them; it joins no group.

    Args:
        kafka: where Kafka is.
        now_ms: from when alerts are new. Milliseconds since 1970-01-01 UTC.

    Raises:
        KafkaException: Kafka does not answer, or a topic is missing.
    """

    def __init__(self, kafka: Kafka, now_ms: int) -> None:
        self.errors = ClientErrors()
        self._consumer = Consumer(
            {
                **client_properties(kafka),
                "group.id": "cardwatch-visualizer",  # needed by the client; no group is joined
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
                "queued.max.messages.kbytes": 16_384,
                "log_level": 2,
                "error_cb": self.errors,
            }
        )
        try:
            self._consumer.assign(
                [
                    *self._alerts(now_ms),
                    *self._all_of(DETECTOR_CONFIGS, OFFSET_BEGINNING),
                    *self._all_of(CONFIG_HISTORY, OFFSET_BEGINNING),
                    *self._all_of(CONFIG_ACKS, OFFSET_BEGINNING),
                    *self._all_of(DEAD_LETTERS, OFFSET_END),
                    *self._all_of(STATS, OFFSET_END),
                    *self._since(CARDS, now_ms),
                    *self._since(MODEL_STATS, now_ms, KEEP_MS),
                ]
            )
        except KafkaException:
            self._consumer.close()
            raise

    def take(self, wait_s: float) -> list[Message]:
        """Return the next records as soon as there is one, none where none comes in time."""
        first = self._consumer.poll(wait_s)
        if first is None:
            return []
        messages = [first, *self._consumer.consume(_TAKE - 1, 0)]
        good = [message for message in messages if message.error() is None]
        if good:
            self.errors.forget()
        return good

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()

    def _alerts(self, now_ms: int) -> list[TopicPartition]:
        """Return where to begin: a quarter of an hour ago, or with the newest of very many."""
        starts = self._since(ALERTS, now_ms)
        most_each = _MOST_BACK // len(starts)
        for start in starts:
            low, high = self._consumer.get_watermark_offsets(start, timeout=_ASK_S)
            begin = high if start.offset < 0 else start.offset
            start.offset = max(begin, low, high - most_each)
        return starts

    def _since(self, topic: Topic, now_ms: int, back_ms: int = BACK_MS) -> list[TopicPartition]:
        """Return where each partition was some time ago; the end where it is older."""
        asked = self._all_of(topic, now_ms - back_ms)
        starts = self._consumer.offsets_for_times(asked, timeout=_ASK_S)
        for start in starts:
            if start.error is not None:
                raise KafkaException(start.error)
            if start.offset < 0:
                start.offset = OFFSET_END
        return starts

    def _all_of(self, topic: Topic, offset: int) -> list[TopicPartition]:
        found = self._consumer.list_topics(topic.name, timeout=_ASK_S).topics[topic.name]
        if found.error is not None:
            raise KafkaException(found.error)
        return [TopicPartition(topic.name, number, offset) for number in sorted(found.partitions)]


def value_of(message: Message) -> bytes | None:
    """Return a record's value; None for a tombstone."""
    value: Any = message.value()
    return value if isinstance(value, bytes) else None


def written_at(message: Message) -> int:
    """Return when a record was written. Milliseconds since 1970-01-01 UTC."""
    return int(message.timestamp()[1])
