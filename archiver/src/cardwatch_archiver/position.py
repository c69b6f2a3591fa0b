"""How far a topic has been written into a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from confluent_kafka import Message


class PositionChangedError(Exception):
    """The store is not where it was left: emptied, restored, or written by another."""


class StoreAwayError(Exception):
    """The store does not answer, or not in time; the text says why in a few words."""


class RecordsRefusedError(Exception):
    """The store takes some of these records never, whenever it is asked; the text says why.

    The text repeats nothing of the records.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far the topic has been written."""

    topic_id: str
    """Kafka's id of the topic; a topic that was made anew has another."""
    offsets: Mapping[int, int] = field(default_factory=dict)
    """Next offset to read by partition; a partition that is left out: from its beginning."""

    def after(self, messages: Sequence[Message]) -> Self:
        """Return the position behind these messages, which are in the order they were read in."""
        read = {message.partition(): message.offset() for message in messages}
        offsets = {
            partition: offset + 1
            for partition, offset in read.items()
            if partition is not None and offset is not None
        }
        return type(self)(topic_id=self.topic_id, offsets={**self.offsets, **offsets})
