"""A user's records on Kafka's compacted topics, and the tombstones that let Kafka forget them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException, Producer

from cardwatch_contracts.card import decode_card, decode_card_profile
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import CARD_PROFILES, CARDS, USER_HABITS, Topic
from cardwatch_local.errors import StackError
from cardwatch_local.reading.topic import key_of, read_topic, value_of

_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a key's newest record is: a tombstone belongs into the same partition.

    -1 stands for that of the key's hash.
    """

    topic: str
    partition: int
    key: bytes


_ANY_PARTITION: Final = -1


def job_s_memory_of(user_id: str) -> Place:
    """Return the key whose tombstone has the job forget a user; no record has that key."""
    return Place(CARDS.name, _ANY_PARTITION, user_id.encode())


def _owner_of_card(_key: bytes, value: bytes) -> str:
    return decode_card(value).user_id


def _owner_of_profile(_key: bytes, value: bytes) -> str:
    return decode_card_profile(value).user_id


def _owner_of_habits(key: bytes, _value: bytes) -> str:
    return key.decode(errors="replace")


OwnerOf = Callable[[bytes, bytes], str]
"""Tells by a record's key and value whose it is."""
OWNERS: Final[Mapping[Topic, OwnerOf]] = {
    CARDS: _owner_of_card,
    CARD_PROFILES: _owner_of_profile,
    USER_HABITS: _owner_of_habits,
}
"""Compacted topics with records of users, and how to tell whose a record is."""


class UsersPlaces:
    """Follows a topic from its beginning: where records of one user are that still stand."""

    def __init__(self, user_id: str, owner_of: OwnerOf) -> None:
        self._user_id = user_id
        self._owner_of = owner_of
        self._places: set[Place] = set()

    def take(self, place: Place, value: bytes | None) -> None:
        """Take notice of a record; a later one of the same key replaces it."""
        if self._is_users(place.key, value):
            self._places.add(place)
        else:
            self._places.discard(place)

    @property
    def standing(self) -> list[Place]:
        """Where they are, in order."""
        return sorted(self._places)

    def _is_users(self, key: bytes, value: bytes | None) -> bool:
        try:
            return value is not None and self._owner_of(key, value) == self._user_id
        except InvalidRecordError:  # nobody can read it, so nobody's card is known by it
            return False


def find_records(kafka: Kafka, topic: Topic, user_id: str) -> list[Place]:
    """Read a whole compacted topic; return where records of the user still stand.

    Raises:
        StackError: The broker does not answer, or refuses the user.
    """
    places = UsersPlaces(user_id, OWNERS[topic])
    for message in read_topic(kafka, topic):
        key = key_of(message)
        if key is not None:
            place = Place(topic.name, message.partition() or 0, key)
            places.take(place, value_of(message))
    return places.standing


def write_tombstones(kafka: Kafka, places: Iterable[Place]) -> None:
    """Put a tombstone behind each record; returns when Kafka has them.

    Raises:
        StackError: Kafka does not take them all.
    """
    errors = ClientErrors()
    refused: list[str] = []
    producer = Producer(
        {
            **client_properties(kafka),
            "enable.idempotence": True,
            "delivery.timeout.ms": int(_TIMEOUT_S * 1000),
            "log_level": 0,
            "error_cb": errors,
            "on_delivery": lambda error, _message: refused.append(error.str()) if error else None,
        }
    )
    try:
        for place in places:
            producer.produce(place.topic, key=place.key, value=None, partition=place.partition)
            producer.poll(0)
        left = producer.flush(_TIMEOUT_S)
    except (KafkaException, BufferError) as error:
        raise StackError(f"Kafka at {kafka} did not take a tombstone: {error}") from None
    if refused or left:
        cause = errors.refusal or (refused[0] if refused else errors.cause("no answer in time"))
        raise StackError(
            f"Kafka at {kafka} did not take {len(refused) + left:,} tombstones: {cause}"
        )
