"""A thread beside the collector that looks how Kafka, its readers and the archive are."""

from collections.abc import Sequence
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_visualizer.archive.connection import Archive, ArchiveAwayError
from cardwatch_visualizer.archive.positions import archived_places
from cardwatch_visualizer.live.group_places import GroupPlaces
from cardwatch_visualizer.live.health import Place
from cardwatch_visualizer.live.judging import ARCHIVE, NO_ARCHIVE
from cardwatch_visualizer.live.reading import now_ms
from cardwatch_visualizer.live.topic_looks import TopicLooks
from cardwatch_visualizer.live.watching import Updates, Watch

_EVERY_S: Final = 1.0
_PLACES_EVERY: Final = 3
"""Looks after which readers are asked again."""
_GROUPS_EVERY: Final = 15
"""Looks after which topics and groups are asked for again."""


class HealthWatch(Watch):
    """Looks once a second.

    Args:
        kafka: where Kafka is.
        archive: asked how far it is; None: there is none.
        updates: takes what was found out.
    """

    def __init__(self, kafka: Kafka, archive: Archive | None, updates: Updates) -> None:
        super().__init__("health", updates)
        self._kafka = kafka
        self._archive = archive
        self._errors = ClientErrors()

    def _run(self) -> None:
        address: dict[str, Any] = {
            **client_properties(self._kafka),
            "log_level": 0,
            "error_cb": self._errors,
        }
        admin = AdminClient(address)
        looks, groups = TopicLooks(admin), GroupPlaces(address, admin)
        rounds = 0
        while not self._ended.wait(_EVERY_S):
            try:
                self._look(looks, groups, rounds)
                rounds += 1
            except KafkaException as error:
                rounds = 0  # what there is may be another when Kafka is back
                self._away("Kafka", f"does not answer ({self._errors.cause(_said(error))})")
        groups.close()

    def _look(self, looks: TopicLooks, groups: GroupPlaces, rounds: int) -> None:
        if rounds % _GROUPS_EVERY == 0:
            looks.describe()
            groups.find()
        if rounds % _PLACES_EVERY == 0:
            looks.look_back()
        seen, missing = looks.look(), looks.missing
        self._errors.forget()
        self._updates.put(lambda board: board.health.note_topics(seen, missing, now_ms()))
        if rounds % _PLACES_EVERY == 0:
            self._tell([*groups.places(looks.partitions), *self._archived(looks)])

    def _tell(self, places: Sequence[Place]) -> None:
        self._updates.put(lambda board: board.health.note_places(places, now_ms()))

    def _archived(self, looks: TopicLooks) -> list[Place]:
        if self._archive is None:
            self._away(ARCHIVE, NO_ARCHIVE)
            return []
        try:
            places = archived_places(self._archive, looks.ids)
        except ArchiveAwayError as error:
            self._away(ARCHIVE, str(error))
            return []
        self._away(ARCHIVE, None)
        return places

    def _away(self, source: str, why: str | None) -> None:
        self._updates.put(lambda board: board.health.note_away(source, why))


def _said(error: KafkaException) -> str:
    cause = error.args[0]
    return cause.str() if hasattr(cause, "str") else type(cause).__name__
