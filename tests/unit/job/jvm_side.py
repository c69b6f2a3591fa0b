"""What the job's operators in the JVM do with bytes, written plainly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from struct import pack, unpack

from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_job.judge import COUNTERS


class Reader:
    """Reads as `ScoreBatches.java` does."""

    def __init__(self, data: bytes) -> None:
        self._stream = BytesIO(data)

    def number(self) -> int:
        (number,) = unpack(">i", self._stream.read(4))
        return int(number)

    def longs(self, count: int) -> tuple[int, ...]:
        return unpack(f">{count}q", self._stream.read(8 * count))

    def sized(self) -> bytes | None:
        length = self.number()
        return None if length < 0 else self._stream.read(length)

    def raw(self, count: int) -> bytes:
        return self._stream.read(count)

    def rest(self) -> bytes:
        return self._stream.read()


@dataclass(frozen=True, slots=True)
class Results:
    """What a call of Python led to."""

    counts: dict[str, int]
    """Those above 0."""
    memories: dict[int, dict[str, bytes | None]]
    """Those that changed, by bucket and user."""
    habits: dict[int, dict[str, bytes | None]]
    """What models remember; the same."""
    records: list[tuple[str, bytes, bytes]]
    """Topic, key and value."""
    sums: int
    """How many partial sums."""


def read_results(data: bytes) -> Results:
    """Take apart what `write_results` wrote."""
    reader = Reader(data)
    counts = {name: reader.number() for name in COUNTERS}
    memories, habits = _read_changed(reader), _read_changed(reader)
    records = [record[:3] for record in _records(reader, reader.number())]
    seen = {name: count for name, count in counts.items() if count}
    return Results(seen, memories, habits, records, reader.number())


def read_pairs(data: bytes) -> list[tuple[bytes | None, bytes | None]]:
    """Take apart what `write_pairs` wrote."""
    reader = Reader(data)
    return [(reader.sized(), reader.sized()) for _ in range(reader.number())]


def _read_changed(reader: Reader) -> dict[int, dict[str, bytes | None]]:
    memories: dict[int, dict[str, bytes | None]] = {}
    for _ in range(reader.number()):
        bucket, changed = reader.number(), reader.number()
        names = [reader.number() for _ in range(changed)]
        lengths = [reader.number() for _ in range(changed)]
        users = [reader.raw(length).decode() for length in names]
        values = [None if length < 0 else reader.raw(length) for length in lengths]
        memories[bucket] = dict(zip(users, values, strict=True))
    return memories


def read_records(count: int, written: bytes) -> list[tuple[str, bytes, bytes, str | None]]:
    """Take apart records: topic, key, value and trace context."""
    return _records(Reader(written), count)


def _records(reader: Reader, count: int) -> list[tuple[str, bytes, bytes, str | None]]:
    records = []
    for _ in range(count):
        topic, key, value = (reader.sized() or b"" for _ in range(3))
        header = reader.sized()
        records.append((topic.decode(), key, value, None if header is None else header.decode()))
    return records


def read_sums(written: bytes) -> list[tuple[object, ...]]:
    """Take apart what `take_written` returns: five numbers and three texts for each."""
    reader = Reader(written)
    return [
        (*reader.longs(5), *((reader.sized() or b"").decode() for _ in range(3)))
        for _ in range(reader.number())
    ]


def write_section(
    bucket: int,
    records: Sequence[tuple[bytes, bytes, int]],
    users: Mapping[str, bytes] | None,
    habits: Mapping[str, bytes] | None = None,
    *,
    topic: str = TRANSACTIONS.name,
) -> bytes:
    """Write records as `BatchRecords` and `ScoreBatches` do.

    Args:
        bucket: Where their users are remembered.
        records: Key, value, and when Kafka took it (ms).
        users: The bucket's memories; None where Python has them.
        habits: What models remember of the same users.
        topic: Whose records they are.
    """
    parts = [pack(">i", bucket)]
    if users is None:
        parts.append(pack(">i", -1))
    else:
        parts += [*_memories(users), *_memories(habits or {})]
    keys = b"".join(key for key, _, _ in records)
    values = b"".join(value for _, value, _ in records)
    parts += [pack(">ii", len(records), len(topic)), topic.encode()]
    parts.append(pack(">iii", len(keys), 0, len(values)))
    parts += [
        pack(">qqiiii", at_ms, offset, 0, len(key), -1, len(value))
        for offset, (key, value, at_ms) in enumerate(records)
    ]
    return b"".join((*parts, keys, values))


def _memories(users: Mapping[str, bytes]) -> list[bytes]:
    parts = [pack(">i", len(users))]
    for name, memory in users.items():
        parts += [pack(">i", len(name.encode())), name.encode()]
        parts += [pack(">i", len(memory)), memory]
    return parts
