"""Threads that read a topic as long as the gateway runs."""

import logging
import threading
from abc import ABC, abstractmethod
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message

_log = logging.getLogger(__name__)

_AGAIN_S: Final = 2.0
_JOIN_S: Final = 6.0


class ReadingThread(ABC):
    """Reads until it is ended, and begins anew where Kafka is away.

    Args:
        what: what is read, for the log.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def end(self) -> None:
        """Stop reading."""
        self.ended.set()
        self._thread.join(_JOIN_S)

    @abstractmethod
    def read(self) -> None:
        """Read until `ended` is set.

        Raises:
            KafkaException: Kafka does not answer.
            RuntimeError: the event loop has ended.
        """

    def _run(self) -> None:
        while not self.ended.is_set():
            try:
                self.read()
            except KafkaException as error:
                _log.warning("%s cannot be read, trying again: %s", self._what, error.args[0].str())
                self.ended.wait(_AGAIN_S)
            except RuntimeError:
                return


def take(consumer: Consumer, most: int, wait_s: float) -> list[Message]:
    """Return the next messages as soon as there is one, none where none comes in time.

    The client's own `consume` waits out its time unless it finds as many as it may return.
    """
    first = consumer.poll(wait_s)
    return [] if first is None else [first, *consumer.consume(most - 1, 0)]
