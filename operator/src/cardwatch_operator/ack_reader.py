"""Follows the subtasks' acknowledgements."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import decode_config_ack
from cardwatch_contracts.topics import CONFIG_ACKS
from cardwatch_operator.acknowledgements import Acknowledgements
from cardwatch_operator.reader import new_consumer, value_of

_PATIENCE_S: Final = 0.5


class AckReader(threading.Thread):
    """Reads `config-acks` from its beginning, and says when there is something new."""

    def __init__(self, bootstrap_servers: str, *, on_news: Callable[[], None]) -> None:
        super().__init__(name="acknowledgements", daemon=True)
        self._servers = bootstrap_servers
        self._on_news = on_news
        self._ended = threading.Event()
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

    def run(self) -> None:
        """Read until `end`."""
        consumer = new_consumer(self._servers, isolation="read_uncommitted")
        consumer.assign([TopicPartition(CONFIG_ACKS.name, 0, OFFSET_BEGINNING)])
        try:
            while not self._ended.is_set():
                message = consumer.poll(_PATIENCE_S)
                if message is None:
                    continue
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        self._caught_up = True
                        self._on_news()
                    continue
                with suppress(InvalidRecordError), self._lock:
                    self._acks.add(decode_config_ack(value_of(message)))
                if self._caught_up:
                    self._on_news()
        finally:
            consumer.close()

    def end(self) -> None:
        """Stop reading, and wait for it."""
        self._ended.set()
        self.join()
