"""Kafka records as the job reads and writes them."""

from collections.abc import Iterator
from struct import Struct
from typing import Final

import msgspec

from cardwatch_contracts.codec import encode

_NUMBERS: Final = Struct(">qqiiii")


class InputRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record read from Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int
    offset: int
    timestamp_ms: int
    """When Kafka took it. Milliseconds since 1970-01-01 UTC."""
    traceparent: str | None = None
    """The header of that name."""


class Records:
    """The records of a batch, left as they lie in the input until somebody asks for one.

    Positions are in `data`. For each record there are its numbers: int64 timestamp and offset,
    int32 partition, length of key, of header and of value; -1 stands for a missing one.
    """

    def __init__(
        self, data: bytes, topic: str, *, count: int, numbers: int, lengths: tuple[int, int, int]
    ) -> None:
        """Describe `count` records whose numbers begin at `numbers`, keys right behind them.

        `lengths`: bytes of all keys, of all headers, of all values.
        """
        self.data = data
        self.topic = topic
        self.count = count
        self.numbers = numbers
        self.keys = numbers + _NUMBERS.size * count
        self.headers = self.keys + lengths[0]
        self.values = self.headers + lengths[1]
        self.end = self.values + lengths[2]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[InputRecord]:
        key, header, value = self.keys, self.headers, self.values
        for numbers in _NUMBERS.iter_unpack(self.data[self.numbers : self.keys]):
            yield self._record(numbers, key, header, value)
            key += max(numbers[3], 0)
            header += max(numbers[4], 0)
            value += max(numbers[5], 0)

    def read(self, numbers: int, key: int, header: int, value: int) -> InputRecord:
        """Read one record, by the positions of its parts."""
        return self._record(_NUMBERS.unpack_from(self.data, numbers), key, header, value)

    def _record(self, numbers: tuple[int, ...], key: int, header: int, value: int) -> InputRecord:
        data = self.data
        time_ms, offset, partition, key_length, header_length, value_length = numbers
        traceparent = data[header : header + header_length] if header_length > 0 else None
        return InputRecord(
            topic=self.topic,
            key=None if key_length < 0 else data[key : key + key_length],
            value=None if value_length < 0 else data[value : value + value_length],
            partition=partition,
            offset=offset,
            timestamp_ms=time_ms,
            traceparent=None if traceparent is None else traceparent.decode(errors="replace"),
        )


class OutputRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record to write to Kafka."""

    topic: str
    key: bytes
    value: bytes
    traceparent: str | None = None

    @classmethod
    def of(
        cls, topic: str, key: str, record: msgspec.Struct, *, traceparent: str | None = None
    ) -> "OutputRecord":
        """Encode a record of the contracts."""
        return cls(topic=topic, key=key.encode(), value=encode(record), traceparent=traceparent)


class WrittenRecords(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Records to write to Kafka, in the bytes in which they go to the JVM (see `batches.py`)."""

    count: int
    data: bytes


Output = OutputRecord | WrittenRecords
"""What judging a batch leads to, in order."""
