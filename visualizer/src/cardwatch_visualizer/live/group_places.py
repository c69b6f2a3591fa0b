"""How far consumer groups are, as they have committed it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from cardwatch_contracts.topics import CARDS, JOB_GROUP, TRANSACTIONS
from cardwatch_visualizer.live.health import Place

_ASK_S: Final = 2.0
MOST_GROUPS: Final = 8
"""Groups that are looked at: the job's, and the first others by name."""
_OF_THE_JOB: Final = frozenset({TRANSACTIONS.name, CARDS.name})
"""What the job reads and others write outside Kafka transactions."""
_CLAIMS: Final = "cardwatch-claim-"
"""Groups that the job is a member of, and that read nothing."""


class GroupPlaces:
    """Asks for committed offsets, in no group's name but through a client of each.

    Args:
        address: what a client needs to reach Kafka.
        admin: a client of it.
    """

    def __init__(self, address: Mapping[str, Any], admin: AdminClient) -> None:
        self._address = address
        self._admin = admin
        # Consumers that join nothing: librdkafka's admin client ends the process when a group's
        # coordinator is not ready yet.
        self._clients: dict[str, Consumer] = {}

    def find(self) -> None:
        """Ask which groups there are.

        Raises:
            KafkaException: Kafka does not answer.
        """
        try:
            listed = self._admin.list_consumer_groups(request_timeout=_ASK_S).result(_ASK_S + 1)
        except TimeoutError as error:
            raise KafkaException(error) from None
        others = sorted(
            group.group_id
            for group in listed.valid
            if group.group_id != JOB_GROUP and not group.group_id.startswith(_CLAIMS)
        )
        wanted = [JOB_GROUP, *others[: MOST_GROUPS - 1]]
        for gone in self._clients.keys() - set(wanted):
            self._clients.pop(gone).close()
        for group in wanted:
            if group not in self._clients:
                self._clients[group] = Consumer({**self._address, "group.id": group})

    def places(self, partitions: Sequence[TopicPartition]) -> list[Place]:
        """Return where each group is in each topic that it has read of.

        Raises:
            KafkaException: Kafka does not answer.
        """
        found = []
        for group, client in self._clients.items():
            asked = [p for p in partitions if group != JOB_GROUP or p.topic in _OF_THE_JOB]
            offsets: dict[str, dict[int, int]] = {}
            try:
                answer = client.committed(asked, timeout=_ASK_S) if asked else []
            except KafkaException:
                if group == JOB_GROUP:
                    raise
                continue  # what is not ours may be nobody's to look at
            for place in answer:
                if place.error is None and place.offset >= 0:
                    offsets.setdefault(place.topic, {})[place.partition] = place.offset
            found += [Place(reader=group, topic=name, offsets=at) for name, at in offsets.items()]
        return found

    def close(self) -> None:
        """Let go of Kafka."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
