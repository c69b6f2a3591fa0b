"""Verdicts of the job, for those who wait for them."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import VERDICTS
from cardwatch_contracts.verdict import Verdict, decode_verdict
from cardwatch_gateway.reading import ReadingThread, take

_log = logging.getLogger(__name__)

_ASK_S: Final = 2.0
_POLL_S: Final = 0.1
_TAKE: Final = 500


class Waiters:
    """Who waits for the verdict on which transaction. Used in the event loop alone.

    Args:
        most: how many may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[str, list[asyncio.Future[Verdict]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def wait_for(self, transaction_ids: Sequence[str]) -> list[asyncio.Future[Verdict]] | None:
        """Begin to wait; None where too many do. `give_up` must follow."""
        if self._count + len(transaction_ids) > self._most:
            return None
        loop = asyncio.get_running_loop()
        futures = []
        for transaction_id in transaction_ids:
            future: asyncio.Future[Verdict] = loop.create_future()
            self._waiting.setdefault(transaction_id, []).append(future)
            futures.append(future)
        self._count += len(futures)
        return futures

    def give_up(
        self, transaction_ids: Sequence[str], futures: Sequence[asyncio.Future[Verdict]]
    ) -> None:
        """End waiting."""
        for transaction_id, future in zip(transaction_ids, futures, strict=True):
            others = self._waiting.get(transaction_id, [])
            if future in others:
                others.remove(future)
            if not others:
                self._waiting.pop(transaction_id, None)
            future.cancel()
        self._count -= len(futures)

    def tell(self, verdicts: Iterable[Verdict]) -> None:
        """Tell those who wait."""
        for verdict in verdicts:
            for future in self._waiting.get(verdict.transaction_id, ()):
                if not future.done():
                    future.set_result(verdict)


class VerdictReader(ReadingThread):
    """Reads the topic of verdicts from its end, in a thread, for one gateway.

    Args:
        kafka: where it is.
        instance: the key of this gateway's records.
        waiters: who is told, in the event loop.
    """

    def __init__(self, kafka: Kafka, *, instance: str, waiters: Waiters) -> None:
        super().__init__("verdicts")
        self._kafka = kafka
        self._instance = instance.encode()
        self._waiters = waiters
        self._loop = asyncio.get_running_loop()
        self.ready = False
        """Whether it has found the topic's end: what is judged from now on is seen."""

    def read(self) -> None:
        """Tell of verdicts until it is ended; raises as `ReadingThread.read` says."""
        errors = ClientErrors()
        consumer = Consumer(
            {
                **client_properties(self._kafka),
                "group.id": "cardwatch-gateway",  # needed by the client; no group is joined
                "enable.auto.commit": False,
                "isolation.level": "read_uncommitted",
                "auto.offset.reset": "latest",
                "fetch.wait.max.ms": 50,
                "fetch.error.backoff.ms": 100,
                "log_level": 2,
                "error_cb": errors,
            }
        )
        try:
            consumer.assign(self._ends(consumer))
            self.ready = True
            while not self.ended.is_set():
                self._hand_over(take(consumer, _TAKE, _POLL_S))
        finally:
            self.ready = False
            consumer.close()

    @staticmethod
    def _ends(consumer: Consumer) -> list[TopicPartition]:
        topic = consumer.list_topics(VERDICTS.name, timeout=_ASK_S).topics[VERDICTS.name]
        if topic.error is not None:
            raise KafkaException(topic.error)
        places = [TopicPartition(VERDICTS.name, number) for number in topic.partitions]
        for place in places:
            place.offset = consumer.get_watermark_offsets(place, timeout=_ASK_S)[1]
        return places

    def _hand_over(self, messages: Sequence[Message]) -> None:
        verdicts = [
            verdict
            for message in messages
            if message.error() is None
            and message.key() == self._instance
            and (verdict := _decoded(message)) is not None
        ]
        if verdicts:
            self._loop.call_soon_threadsafe(self._waiters.tell, verdicts)


def _decoded(message: Message) -> Verdict | None:
    try:
        value = message.value()
        return decode_verdict(value if isinstance(value, bytes) else None)
    except InvalidRecordError as error:
        _log.warning("a verdict cannot be read: %s", error)
        return None


async def in_time(
    futures: Sequence[asyncio.Future[Verdict]], deadline_s: float
) -> list[Verdict | None]:
    """Return the verdicts that are there by a time of the monotonic clock, None for others."""
    pending = [future for future in futures if not future.done()]
    left_s = deadline_s - monotonic()
    if pending and left_s > 0:
        await asyncio.wait(pending, timeout=left_s)
    return [future.result() if future.done() else None for future in futures]
