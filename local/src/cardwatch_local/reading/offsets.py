"""Where topics end, where the job stands, and whether all is done."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties, refusal_of
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import TOPICS, Topic
from cardwatch_local.errors import StackError

_TIMEOUT_S: Final = 5.0
_RETRY_AFTER_S: Final = 0.1
_LOOK_S: Final = 3.0
"""How long it may take to find out that the user may not see a topic."""

# What a broker answers while it loads a group, just after its start or the group's first commit.
_COORDINATOR_NOT_READY: Final = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)

Offsets = Mapping[tuple[str, int], int]
"""Offsets by topic and partition."""


class OffsetReader:
    """Asks a broker for offsets, in one request for all partitions."""

    def __init__(self, bootstrap_servers: Kafka, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Ask the broker at `bootstrap_servers`, for `timeout_s` at most each time."""
        self._errors = ClientErrors()
        config: dict[str, Any] = {
            **client_properties(bootstrap_servers),
            "log_level": 0,
            "error_cb": self._errors,
        }
        self._admin = AdminClient(config)
        self._servers = bootstrap_servers
        self._timeout_s = timeout_s

    def ends(self, topics: Iterable[Topic], *, committed: bool = False) -> Offsets:
        """Return the offset after the last record of every partition.

        `committed`: what a consumer that reads committed gets to; an open transaction holds it
        back.

        Raises:
            StackError: The broker did not answer.
        """
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call] # untyped in the client
        return self._list(topics, latest, committed=committed)

    def at_time(self, topics: Iterable[Topic], time_ms: int) -> Offsets:
        """Return the first offset whose record is as young as `time_ms` (epoch ms); -1: none is.

        Raises:
            StackError: The broker did not answer.
        """
        return self._list(topics, OffsetSpec.for_timestamp(time_ms), committed=False)

    def of_group(self, group: str, topics: Iterable[Topic] = TOPICS) -> Offsets:
        """Return what a consumer group has committed; partitions it never read are left out.

        Raises:
            StackError: The broker did not answer.
        """
        # Through a consumer that joins nothing: librdkafka's admin client ends the process when
        # the group's coordinator is not ready yet.
        consumer = Consumer({**client_properties(self._servers), "group.id": group, "log_level": 0})
        asked = [
            TopicPartition(topic.name, number)
            for topic in topics
            for number in range(topic.partitions)
        ]
        try:
            answer = self._ask(lambda: consumer.committed(asked, timeout=self._timeout_s))
        finally:
            consumer.close()
        return {(part.topic, part.partition): part.offset for part in answer if part.offset >= 0}

    def _list(self, topics: Iterable[Topic], spec: OffsetSpec, *, committed: bool) -> Offsets:
        asked = {
            TopicPartition(topic.name, number): spec
            for topic in topics
            for number in range(topic.partitions)
        }
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        futures = self._ask(
            lambda: self._admin.list_offsets(
                asked, isolation_level=level, request_timeout=self._timeout_s
            )
        )
        try:
            return {
                (part.topic, part.partition): self._result(future).offset
                for part, future in futures.items()
            }
        except StackError:
            self._refuse(topics)
            raise

    def _refuse(self, topics: Iterable[Topic]) -> None:
        """Raise which topic the user may not see: an answer about offsets does not say it."""
        with suppress(KafkaException):
            for topic in topics:
                found = self._admin.list_topics(topic.name, timeout=_LOOK_S).topics[topic.name]
                error = found.error
                if error is not None and (refusal := refusal_of(error)):
                    raise StackError(f"topic {topic.name}: {refusal}") from None

    def _ask(self, question: Any) -> Any:
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                return question()
            except KafkaException as error:
                code = error.args[0].code()
                if code not in _COORDINATOR_NOT_READY or time.monotonic() > deadline:
                    raise self._silent(error) from None
                time.sleep(_RETRY_AFTER_S)

    def _result(self, future: "Future[Any]") -> Any:
        try:
            return future.result(self._timeout_s + 1)
        except (KafkaException, TimeoutError) as error:
            raise self._silent(error) from None

    def _silent(self, error: Exception) -> StackError:
        self._admin.poll(0)  # lets it tell what happened on its connections
        detail = "no answer in time"
        if isinstance(error, KafkaException):
            detail = refusal_of(error.args[0]) or error.args[0].str()
        return StackError(f"Kafka did not tell its offsets: {self._errors.refusal or detail}")


def progress(ends: Offsets, committed: Offsets, topic: Topic) -> int:
    """Count the offsets of a topic that a group has behind it."""
    return sum(
        min(committed.get((topic.name, number), 0), ends.get((topic.name, number), 0))
        for number in range(topic.partitions)
    )
