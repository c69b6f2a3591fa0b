"""The byte layout in which batches cross between the JVM and Python.

`jvm/BatchRecords.java` writes what `read_sections` reads, and `jvm/ScoreBatches.java` puts the
users' memories and habits before it and takes apart what `write_results` writes. Integers are
big-endian; a length of -1 stands for a missing value.

    input    = sections, one after another; a section = int32 bucket, then -1 where Python has its
               memories already, else users and habits; then batch
    users    = int32 number; then for each int32 length, user id, int32 length, memory
    habits   = the same, of what models remember of users
    batch    = int32 number of records, int32 length, topic, int32 bytes of all keys, of all
               headers, of all values; for each record int64 timestamp, int64 offset, int32
               partition, int32 length of key, of header, of value; all keys, headers, values
    results  = an int32 for each of `COUNTERS`;
               changed users, changed habits;
               int32 number of records, for each int32 length and bytes of topic, key, value,
               header; int32 number of partial sums, for each int64 start, int64 count, sum,
               smallest and largest amount, int32 length and bytes of dimension, name, currency
    changed  = int32 number of buckets, for each int32 bucket, int32 number of users, all int32
               lengths of user ids, all int32 lengths of memories, all ids, all memories
    pairs    = int32 number, for each int32 length and bytes of key and of value

Partial sums come only when they are asked for, and before a checkpoint every memory that changed
since the last; at other times Python sends memories only when there are many.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct, pack
from typing import Final

from cardwatch_job.judge import COUNTERS, Counts
from cardwatch_job.records import Output, OutputRecord, Records
from cardwatch_job.windows import NO_SUMS

_INT: Final = Struct(">i")
_TWO: Final = Struct(">ii")
_MISSING: Final = _INT.pack(-1)
_LENGTHS: Final = Struct(">iii")
_COUNTS: Final = Struct(f">{len(COUNTERS)}i")


Changed = Mapping[int, Mapping[str, bytes | None]]
"""Packed memories by bucket and user; None: the user is forgotten."""


@dataclass
class Section:
    """Records of one bucket and topic, with the bucket's memories where Python has none yet."""

    bucket: int
    memories: dict[str, bytes] | None
    habits: dict[str, bytes]
    """Empty where Python has the memories."""
    records: Records


def read_sections(data: bytes) -> list[Section]:
    """Read the whole input of one call."""
    sections: list[Section] = []
    position = 0
    while position < len(data):
        bucket, count = _TWO.unpack_from(data, position)
        memories: dict[str, bytes] | None = None
        habits: dict[str, bytes] = {}
        if count < 0:
            position += _TWO.size
        else:
            memories, position = _read_users(data, position + _INT.size)
            habits, position = _read_users(data, position)
        records, position = _read_records(data, position)
        sections.append(Section(bucket, memories, habits, records))
    return sections


def _read_users(data: bytes, position: int) -> tuple[dict[str, bytes], int]:
    (count,) = _INT.unpack_from(data, position)
    position += _INT.size
    users: dict[str, bytes] = {}
    for _ in range(count):
        user, position = _read_bytes(data, position)
        memory, position = _read_bytes(data, position)
        users[user.decode()] = memory
    return users, position


def _read_records(data: bytes, position: int) -> tuple[Records, int]:
    (count,) = _INT.unpack_from(data, position)
    topic, position = _read_bytes(data, position + _INT.size)
    lengths = _LENGTHS.unpack_from(data, position)
    position += _LENGTHS.size
    records = Records(data, topic.decode(), count=count, numbers=position, lengths=lengths)
    return records, records.end


def write_results(
    counts: Counts,
    users: Changed,
    habits: Changed,
    records: Sequence[Output],
    sums: bytes = NO_SUMS,
) -> bytes:
    """Write what a call led to.

    Args:
        counts: what happened.
        users: changed memories of users, by bucket; without a memory the user is forgotten.
        habits: the same of what models remember.
        records: to be written to Kafka.
        sums: as `take_written` returns them.
    """
    parts = [_COUNTS.pack(*counts.as_tuple())]
    _write_changed(users, parts)
    _write_changed(habits, parts)
    parts += _written(records)
    parts.append(sums)
    return b"".join(parts)


def _write_changed(changed: Changed, parts: list[bytes]) -> None:
    parts.append(_INT.pack(len(changed)))
    for bucket, users in changed.items():
        names = [user.encode() for user in users]
        memories = list(users.values())
        lengths = [len(name) for name in names]
        lengths += [-1 if memory is None else len(memory) for memory in memories]
        parts.append(pack(f">ii{len(lengths)}i", bucket, len(names), *lengths))
        parts += names
        parts += [memory for memory in memories if memory is not None]


def _written(records: Sequence[Output]) -> list[bytes]:
    """Write records; those that the screen has written already are taken as they are."""
    count = 0
    parts = [b""]
    for record in records:
        if isinstance(record, OutputRecord):
            count += 1
            parts += _with_length(record.topic.encode())
            parts += _with_length(record.key)
            parts += _with_length(record.value)
            parts += _with_length(record.traceparent.encode() if record.traceparent else None)
        else:
            count += record.count
            parts.append(record.data)
    parts[0] = _INT.pack(count)
    return parts


def write_pairs(pairs: Iterable[tuple[bytes, bytes | None]]) -> bytes:
    """Write keys and values."""
    written = [b"".join((*_with_length(key), *_with_length(value))) for key, value in pairs]
    return b"".join((_INT.pack(len(written)), *written))


def _with_length(value: bytes | None) -> tuple[bytes, ...]:
    return (_MISSING,) if value is None else (_INT.pack(len(value)), value)


def _read_bytes(data: bytes, position: int) -> tuple[bytes, int]:
    (length,) = _INT.unpack_from(data, position)
    start = position + _INT.size
    return data[start : start + length], start + length
