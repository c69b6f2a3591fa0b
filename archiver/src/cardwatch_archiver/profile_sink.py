"""Card profiles on their way from Kafka's messages into Valkey."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Message
from valkey import ValkeyError

from cardwatch_archiver.messages import log_left_out
from cardwatch_archiver.position import Position, StoreAwayError
from cardwatch_archiver.profiles import ProfileStore
from cardwatch_contracts.card import decode_card_profile
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.privacy import is_card_number


class ProfileSink:
    """Writes the newest profile of every card; made for `TopicArchiver`."""

    server: Final = "Valkey"

    def __init__(self, store: ProfileStore) -> None:
        self._store = store

    def position(self, topic_id: str) -> Position:
        """Return how far the topic is written; of another topic's profiles none is kept.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        with _answering():
            return self._store.position(topic_id)

    def is_at(self, position: Position) -> bool:
        """Return whether Valkey is still where it was left.

        Raises:
            StoreAwayError: it does not answer.
        """
        with _answering():
            return self._store.is_at(position)

    def write(self, messages: Sequence[Message], before: Position) -> int:
        """Write what messages hold and that they were read; return how many were left out.

        Raises:
            StoreAwayError: Valkey does not answer; all of it is written or nothing.
            PositionChangedError: it is not at `before`; nothing is written.
        """
        profiles, left_out = newest_profiles(messages)
        with _answering():
            self._store.write(profiles, before=before, after=before.after(messages))
        return left_out

    def close(self) -> None:
        """Do nothing: the connection is its owner's."""


def newest_profiles(messages: Sequence[Message]) -> tuple[dict[str, bytes | None], int]:
    """Return the last value of each card, None for a card that is to be forgotten.

    A message that is no card profile is logged by its place and left out. How many these are is
    returned, too.
    """
    newest: dict[str, bytes | None] = {}
    left_out = 0
    for message in messages:
        try:
            card_id = _card_id(message)
            value = message.value()
            if value is not None:
                decode_card_profile(value)
            newest[card_id] = value
        except InvalidRecordError as error:
            left_out += 1
            log_left_out(message, str(error))
    return newest, left_out


def _card_id(message: Message) -> str:
    key = message.key()
    try:
        card_id = key.decode() if isinstance(key, bytes) else key or ""
    except UnicodeDecodeError:
        raise InvalidRecordError("key: not UTF-8; allowed: a card's token") from None
    if not card_id or is_card_number(card_id):
        raise InvalidRecordError("key: no card's token; allowed: a card's token")
    return card_id


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (ValkeyError, OSError) as error:
        raise StoreAwayError(type(error).__name__) from None
