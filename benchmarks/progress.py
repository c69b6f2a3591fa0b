"""How far a contender is: what its consumer group has committed."""

from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from cardwatch_contracts.topics import TRANSACTIONS, Topic
from cardwatch_local.reading.offsets import OffsetReader

_TIMEOUT_S: Final = 5.0

Offsets = dict[int, int]
"""Offsets of one topic by partition."""


class GroupProgress:
    """Asks one group for its offsets in `transactions`, many times, over one connection."""

    def __init__(self, bootstrap_servers: str, group: str) -> None:
        """Ask for `group` without joining it."""
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap_servers, "group.id": group, "log_level": 0}
        )
        self._partitions = [
            TopicPartition(TRANSACTIONS.name, number) for number in range(TRANSACTIONS.partitions)
        ]

    def read(self) -> Offsets | None:
        """Return the committed offsets, 0 where there is none; None without an answer in time."""
        try:
            answer = self._consumer.committed(self._partitions, timeout=_TIMEOUT_S)
        except KafkaException:
            return None  # the coordinator moves or starts; the next question will tell
        return {part.partition: max(0, part.offset) for part in answer}

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()


def ends_of(bootstrap_servers: str, topic: Topic = TRANSACTIONS) -> Offsets:
    """Return where each partition of a topic ends."""
    ends = OffsetReader(bootstrap_servers).ends([topic])
    return {partition: end for (_, partition), end in ends.items()}
