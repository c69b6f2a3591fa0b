"""The topic of alerts, and how it is read again for clients that were away."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import ALERTS
from cardwatch_gateway.alert_hub import AlertEvent
from cardwatch_gateway.cursor import Cursor, resumed

_log = logging.getLogger(__name__)

_ASK_S: Final = 3.0
_POLL_S: Final = 0.2
_TAKE: Final = 200
_READ_AGAIN_AT_ONCE: Final = 8


def alert_consumer(kafka: Kafka, **more: Any) -> Consumer:
    """Return a consumer of committed alerts; `more` are properties of the client."""
    return Consumer(
        {
            **client_properties(kafka),
            "group.id": "cardwatch-gateway",  # needed by the client; no group is joined
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 8_192,
            "log_level": 2,
            "error_cb": ClientErrors(),
            **more,
        }
    )


def bounds_of(consumer: Consumer) -> tuple[list[int], list[int]]:
    """Return the first offset and the one behind the last, by partition."""
    topic = consumer.list_topics(ALERTS.name, timeout=_ASK_S).topics[ALERTS.name]
    if topic.error is not None:
        raise KafkaException(topic.error)
    lows, highs = [], []
    for number in sorted(topic.partitions):
        place = TopicPartition(ALERTS.name, number)
        low, high = consumer.get_watermark_offsets(place, timeout=_ASK_S)
        lows.append(low)
        highs.append(high)
    return lows, highs


def assigned(cursor: Cursor) -> list[TopicPartition]:
    """Return the partitions, each from where a cursor is."""
    return [
        TopicPartition(ALERTS.name, number, offset) for number, offset in enumerate(cursor.offsets)
    ]


def read_event(message: Message, after: Cursor) -> AlertEvent | None:
    """Return a record's alert; None where it cannot be read, which is logged by its place."""
    value = message.value()
    try:
        alert = decode_alert(value if isinstance(value, bytes) else None)
    except InvalidRecordError as error:
        _log.warning(
            "left out %s/%s/%s: %s", ALERTS.name, message.partition(), message.offset(), error
        )
        return None
    assert isinstance(value, bytes), "it was decoded"
    return AlertEvent(alert, value.replace(b"\n", b" ").replace(b"\r", b" "), str(after))


class AlertPast:
    """Reads alerts again, for clients that were away."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._threads = ThreadPoolExecutor(_READ_AGAIN_AT_ONCE, "past-alerts")
        self._reading = 0

    @property
    def has_room(self) -> bool:
        """Whether one more may read."""
        return self._reading < _READ_AGAIN_AT_ONCE

    async def where(self, wanted: Cursor) -> tuple[Cursor, bool]:
        """Return where to go on from a client's place, and whether Kafka lacks some before it.

        Raises:
            KafkaException: Kafka does not answer.
        """
        loop = asyncio.get_running_loop()

        def ask() -> tuple[Cursor, bool]:
            consumer = alert_consumer(self._kafka)
            try:
                cursor, missing = resumed(wanted, *bounds_of(consumer))
            finally:
                consumer.close()
            return cursor, bool(missing)

        return await loop.run_in_executor(self._threads, ask)

    async def read(self, start: Cursor, end: Cursor) -> AsyncGenerator[AlertEvent, None]:
        """Yield the alerts from one place to another; the last cursor is not yet that of the end.

        Raises:
            KafkaException: Kafka does not answer.
        """
        loop = asyncio.get_running_loop()
        self._reading += 1
        consumer = await loop.run_in_executor(self._threads, self._open, start)
        try:
            cursor = start
            left = {
                number
                for number, (first, last) in enumerate(zip(start.offsets, end.offsets, strict=True))
                if first < last
            }
            while left:
                taken = await loop.run_in_executor(self._threads, consumer.consume, _TAKE, _POLL_S)
                for message in taken:
                    number, offset = message.partition() or 0, message.offset() or 0
                    if _ends(message):
                        left.discard(number)
                        continue
                    if offset >= end.offsets[number] - 1:
                        left.discard(number)
                    if offset >= end.offsets[number]:
                        continue
                    cursor = cursor.after(number, offset)
                    event = read_event(message, cursor)
                    if event is not None:
                        yield event
        finally:
            self._reading -= 1
            loop.run_in_executor(self._threads, consumer.close)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _open(self, start: Cursor) -> Consumer:
        consumer = alert_consumer(self._kafka, **{"enable.partition.eof": True})
        consumer.assign(assigned(start))
        return consumer


def _ends(message: Message) -> bool:
    """Return whether it is no record but the end of a partition.

    Raises:
        KafkaException: it is an error that waiting does not mend.
    """
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    raise KafkaException(error)
