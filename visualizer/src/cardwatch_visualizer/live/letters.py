"""The last dead letters, read from Kafka when somebody asks; none of them is kept."""

from collections import deque
from threading import Lock
from time import monotonic
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.dead_letter import DeadLetter, decode_dead_letter
from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import DEAD_LETTERS
from cardwatch_visualizer.live.topics import value_of

MOST: Final = 50
_BACK: Final = 4 * MOST
"""Offsets that are looked at: the mark of each Kafka transaction has one, too."""
_ASK_S: Final = 5.0
_FRESH_S: Final = 2.0
"""So long one answer serves everybody who asks."""


class LettersAwayError(Exception):
    """Kafka does not hand them over; the message says so to a person."""


class LastLetters:
    """Reads the newest dead letters, for one asker at a time.

    The client of Kafka is made for each reading: nobody asks for long, and then nothing is open.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._lock = Lock()
        self._read_s = -_FRESH_S
        self._letters: list[DeadLetter] = []

    def read(self) -> list[DeadLetter]:
        """Return the last ones, newest first; such as cannot be read themselves are left out.

        Raises:
            LettersAwayError: Kafka does not answer in time.
        """
        with self._lock:
            if monotonic() - self._read_s >= _FRESH_S:
                self._letters = self._read_anew()
                self._read_s = monotonic()
            return self._letters

    def _read_anew(self) -> list[DeadLetter]:
        errors = ClientErrors()
        try:
            consumer = Consumer(
                {
                    **client_properties(self._kafka),
                    "group.id": "cardwatch-visualizer",  # needed by the client; no group is joined
                    "enable.auto.commit": False,
                    "enable.partition.eof": True,
                    "isolation.level": "read_committed",
                    "log_level": 0,
                    "error_cb": errors,
                }
            )
            try:
                return _newest_first(_records(consumer))
            finally:
                consumer.close()
        except (KafkaException, TimeoutError) as error:
            cause = error.args[0] if error.args else error
            said = cause.str() if isinstance(cause, KafkaError) else type(error).__name__
            raise LettersAwayError(
                f"Kafka does not hand over dead letters: {errors.cause(said)}"
            ) from None


def _records(consumer: Consumer) -> list[Message]:
    """Return the last records of the topic."""
    name = DEAD_LETTERS.name
    found = consumer.list_topics(name, timeout=_ASK_S).topics[name]
    if found.error is not None:
        raise KafkaException(found.error)
    starts = []
    for number in sorted(found.partitions):
        place = TopicPartition(name, number)
        low, high = consumer.get_watermark_offsets(place, timeout=_ASK_S)
        place.offset = max(low, high - _BACK)
        starts.append(place)
    consumer.assign(starts)
    left = {start.partition for start in starts}
    records: deque[Message] = deque(maxlen=MOST * max(1, len(starts)))
    deadline_s = monotonic() + _ASK_S
    while left:
        if monotonic() > deadline_s:
            raise TimeoutError
        message = consumer.poll(0.2)
        if message is None:
            continue
        error = message.error()
        if error is None:
            records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            left.discard(message.partition() or 0)
        else:
            raise KafkaException(error)
    return list(records)


def _newest_first(records: list[Message]) -> list[DeadLetter]:
    letters = []
    for record in records:
        try:
            letters.append(decode_dead_letter(value_of(record)))
        except InvalidRecordError:
            continue  # somebody else's
    letters.sort(key=lambda letter: letter.ingested_at, reverse=True)
    return letters[:MOST]
