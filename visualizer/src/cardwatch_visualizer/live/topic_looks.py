"""What Kafka says of topics: how far they reach, and how old their newest record is."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as Partition
from confluent_kafka.admin import AdminClient, OffsetSpec

from cardwatch_contracts.topics import TOPICS
from cardwatch_visualizer.live.health import TopicSeen

_ASK_S: Final = 5.0
_NAMES: Final = tuple(topic.name for topic in TOPICS)


class TopicLooks:
    """Asks for offsets. What it costs does not grow with the rate of records.

    Args:
        admin: a client of Kafka.
    """

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin
        self._partitions: list[Partition] = []
        self._begins: dict[str, dict[int, int]] = {}
        self._newest: dict[str, int] = {}
        self.missing: tuple[str, ...] = ()
        """Topics of ours that Kafka does not have, when it was asked last."""
        self.ids: dict[str, str] = {}
        """Kafka's own ids of topics, by their names."""

    @property
    def partitions(self) -> list[Partition]:
        """All partitions of our topics, when Kafka was asked last."""
        return list(self._partitions)

    def describe(self) -> None:
        """Ask which topics and partitions there are.

        Raises:
            KafkaException: Kafka does not answer.
        """
        answer = self._admin.describe_topics(TopicCollection([*_NAMES]), request_timeout=_ASK_S)
        missing, ids, partitions = [], {}, []
        for name, future in answer.items():
            try:
                topic = _result(future)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    missing.append(name)
                    continue
                if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                    continue  # not to be known
                raise
            ids[name] = str(topic.topic_id)
            partitions += [Partition(name, each.id) for each in topic.partitions]
        self.missing, self.ids, self._partitions = tuple(missing), ids, partitions

    def look_back(self) -> None:
        """Ask where topics begin, and when their newest records were written.

        Raises:
            KafkaException: Kafka does not answer.
        """
        begins: dict[str, dict[int, int]] = {}
        for place, found in self._offsets(OffsetSpec.earliest()):  # type: ignore[no-untyped-call] # untyped there
            begins.setdefault(place.topic, {})[place.partition] = found.offset
        newest: dict[str, int] = {}
        for place, found in self._offsets(OffsetSpec.max_timestamp()):  # type: ignore[no-untyped-call] # untyped there
            if found.timestamp is not None and found.timestamp >= 0:
                newest[place.topic] = max(newest.get(place.topic, 0), found.timestamp)
        self._begins, self._newest = begins, newest

    def look(self) -> Mapping[str, TopicSeen]:
        """Ask how far topics reach by now.

        Raises:
            KafkaException: Kafka does not answer.
        """
        ends: dict[str, dict[int, int]] = {}
        for place, found in self._offsets(OffsetSpec.latest()):  # type: ignore[no-untyped-call] # untyped there
            ends.setdefault(place.topic, {})[place.partition] = found.offset
        return {
            name: TopicSeen(
                begins=self._begins.get(name, {}),
                ends=each,
                newest_at=self._newest.get(name),
            )
            for name, each in ends.items()
        }

    def _offsets(self, spec: OffsetSpec) -> Iterable[tuple[Partition, Any]]:
        if not self._partitions:
            return []
        futures = self._admin.list_offsets(
            dict.fromkeys(self._partitions, spec),
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=_ASK_S,
        )
        return [(place, _result(future)) for place, future in futures.items()]


def _result(future: "Future[Any]") -> Any:
    try:
        return future.result(_ASK_S + 1)
    except TimeoutError as error:
        raise KafkaException(error) from None
