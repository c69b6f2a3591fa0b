"""How many transactions come, how many wait for the job, and where some of them were."""

from collections.abc import Mapping
from concurrent.futures import Future
from random import Random
from time import monotonic
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import JOB_GROUP, TRANSACTIONS
from cardwatch_contracts.transaction import decode_transaction
from cardwatch_visualizer.live.board import Place
from cardwatch_visualizer.live.topics import value_of

_ASK_S: Final = 5.0
_SAMPLED_PARTITIONS: Final = 4
_SAMPLED_EACH: Final = 5
_SAMPLE_S: Final = 0.3

Ends = Mapping[int, int]
"""The offset after the last record, by partition."""


class Flow:
    """Asks Kafka how far transactions and the job are. What it costs does not grow with their rate.

    Args:
        kafka: where Kafka is.
        random: chooses the partitions that are looked into; injected by tests.
    """

    def __init__(self, kafka: Kafka, random: Random | None = None) -> None:
        self._random = random or Random()
        self._errors = ClientErrors()
        address: dict[str, Any] = {
            **client_properties(kafka),
            "log_level": 0,
            "error_cb": self._errors,
        }
        self._admin = AdminClient(address)
        # Through a consumer that joins nothing: librdkafka's admin client ends the process when
        # the group's coordinator is not ready yet.
        self._group = Consumer({**address, "group.id": JOB_GROUP})
        self._sampler = Consumer(
            {
                **address,
                "group.id": "cardwatch-visualizer",
                "enable.auto.commit": False,
                "auto.offset.reset": "latest",
                "max.partition.fetch.bytes": 65_536,
                "queued.min.messages": 1,
                "queued.max.messages.kbytes": 1_024,
                "fetch.wait.max.ms": 50,
            }
        )

    def ends(self) -> Ends:
        """Return where transactions end.

        Raises:
            KafkaException: Kafka does not answer.
        """
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call] # untyped in the client
        asked = {place: latest for place in _partitions()}
        futures = self._admin.list_offsets(asked, request_timeout=_ASK_S)
        return {place.partition: _result(future).offset for place, future in futures.items()}

    def judged(self) -> Ends | None:
        """Return up to where the job has judged; None where it has not said so yet.

        Raises:
            KafkaException: Kafka does not answer.
        """
        answer = self._group.committed(_partitions(), timeout=_ASK_S)
        found = {place.partition: place.offset for place in answer if place.offset >= 0}
        return found or None

    def sample(self, ends: Ends) -> list[Place]:
        """Return where a few of the newest transactions were: longitude and latitude, degrees."""
        busy = [number for number, end in ends.items() if end > 0]
        chosen = self._random.sample(busy, min(_SAMPLED_PARTITIONS, len(busy)))
        if not chosen:
            return []
        self._sampler.assign(
            [
                TopicPartition(TRANSACTIONS.name, number, max(0, ends[number] - _SAMPLED_EACH))
                for number in chosen
            ]
        )
        places: list[Place] = []
        deadline_s = monotonic() + _SAMPLE_S
        while len(places) < len(chosen) * _SAMPLED_EACH and (left := deadline_s - monotonic()) > 0:
            message = self._sampler.poll(left)
            if message is None or message.error() is not None:
                continue
            try:
                txn = decode_transaction(value_of(message))
            except InvalidRecordError:
                continue  # it is a dead letter by now
            places.append((round(txn.longitude, 3), round(txn.latitude, 3)))
        self._sampler.unassign()
        return places

    def close(self) -> None:
        """Let go of Kafka."""
        self._group.close()
        self._sampler.close()


def behind(ends: Ends, judged: Ends | None) -> int | None:
    """Return how many transactions the job has not judged; None where it is not known."""
    if judged is None:
        return None
    return sum(max(0, end - judged.get(number, 0)) for number, end in ends.items())


def _partitions() -> list[TopicPartition]:
    return [TopicPartition(TRANSACTIONS.name, number) for number in range(TRANSACTIONS.partitions)]


def _result(future: "Future[Any]") -> Any:
    try:
        return future.result(_ASK_S + 1)
    except TimeoutError as error:
        raise KafkaException(error) from None
