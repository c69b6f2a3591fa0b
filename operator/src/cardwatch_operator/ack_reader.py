"""Follows the subtasks' acknowledgements."""

import threading
from collections.abc import Callable
from contextlib import suppress

from confluent_kafka import OFFSET_BEGINNING, Message

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import decode_config_ack
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import CONFIG_ACKS
from cardwatch_operator.reader import Follower, value_of


class AckReader(Follower):
    """Reads `config-acks` from its beginning, and says when there is something new."""

    def __init__(self, kafka: Kafka, *, on_news: Callable[[], None]) -> None:
        super().__init__(kafka, CONFIG_ACKS, isolation="read_uncommitted", start=OFFSET_BEGINNING)
        self._on_news = on_news
        self._lock = threading.Lock()
        self._acks = Acknowledgements()
        self._caught_up = False

    @property
    def acks(self) -> Acknowledgements:
        """What was read so far, as it stood at this moment."""
        with self._lock:
            return self._acks.copy()

    @property
    def has_caught_up(self) -> bool:
        """Whether all that was there at the start has been read."""
        return self._caught_up

    def take(self, message: Message) -> None:
        """Take an acknowledgement; one that cannot be read is passed over."""
        with suppress(InvalidRecordError), self._lock:
            self._acks.add(decode_config_ack(value_of(message)))
        if self._caught_up:
            self._on_news()

    def reached_end(self) -> None:
        """Begin to tell the news."""
        self._caught_up = True
        self._on_news()
