"""The byte layout against a plain writer and reader of the same layout, as the JVM has them."""

from struct import pack

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.job.jvm_side import Reader

from cardwatch_job.batches import read_sections, write_pairs, write_results
from cardwatch_job.judge import COUNTERS, Counts
from cardwatch_job.records import OutputRecord

_bytes_or_none = st.none() | st.binary(max_size=20)
_rows = st.lists(
    st.tuples(
        st.integers(0, 2**62),
        st.integers(0, 2**62),
        st.integers(0, 2**30),
        _bytes_or_none,
        _bytes_or_none,
        _bytes_or_none,
    )
)


_memories = st.dictionaries(st.text(max_size=5), st.binary(max_size=9))


def _sized(value: bytes | None) -> bytes:
    return pack(">i", -1) if value is None else pack(">i", len(value)) + value


def _length(value: bytes | None) -> int:
    return -1 if value is None else len(value)


@given(_rows, st.none() | _memories, _memories)
def test_a_batch_and_the_users_before_it_are_read_as_written(
    rows: list[tuple[int, int, int, bytes | None, bytes | None, bytes | None]],
    users: dict[str, bytes] | None,
    habits: dict[str, bytes],
) -> None:
    data = pack(">i", 7)
    if users is None:
        data += pack(">i", -1)
    else:
        for memories in (users, habits):
            data += pack(">i", len(memories))
            for name, memory in memories.items():
                data += _sized(name.encode()) + _sized(memory)
    columns = [b"".join(row[column] or b"" for row in rows) for column in (3, 4, 5)]  # type: ignore[misc] # of a mixed row
    data += pack(">i", len(rows)) + _sized(b"transactions")
    data += pack(">iii", *map(len, columns))
    for timestamp, offset, partition, key, header, value in rows:
        data += pack(">qqi", timestamp, offset, partition)
        data += pack(">iii", _length(key), _length(header), _length(value))
    data += b"".join(columns)
    nothing = pack(">iii", 8, -1, 0) + _sized(b"cards") + pack(">iii", 0, 0, 0)

    section, empty = read_sections(data + nothing)

    assert (section.bucket, section.memories) == (7, users)
    assert section.habits == ({} if users is None else habits)
    assert (empty.bucket, empty.memories, list(empty.records)) == (8, None, [])
    records = list(section.records)
    assert len(section.records) == len(records)
    assert {record.topic for record in records} <= {"transactions"}
    assert [
        (record.timestamp_ms, record.offset, record.partition, record.key, record.value)
        for record in records
    ] == [(*row[:4], row[5]) for row in rows]
    assert [record.traceparent for record in records] == [
        row[4].decode(errors="replace") if row[4] else None for row in rows
    ]


def test_results_are_written_as_the_jvm_reads_them() -> None:
    counts = Counts(judged=1, duplicates=2, late=3, rekeyed=4, dead_letters=5)
    counts.malformed_traceparents, counts.dropped_spans = 6, 7
    counts.alerts, counts.shadow_alerts = 8, 9
    counts.scored, counts.unscored = 10, 11
    counts.feedback_heard, counts.feedback_refused = 12, 13
    counts.findings = list(range(14, len(COUNTERS) + 1))
    changed = {77: {"u1": b"memory", "ü2": None}, 78: {}}
    habits = {79: {"u3": b"often"}}
    records = [
        OutputRecord(topic="alerts", key=b"k", value=b"v", traceparent="00-1"),
        OutputRecord(topic="card-profiles", key=b"", value=b"v2"),
    ]

    reader = Reader(write_results(counts, changed, habits, records, b"sums"))

    assert [reader.number() for _ in COUNTERS] == list(range(1, len(COUNTERS) + 1))
    assert reader.number() == 2
    assert (reader.number(), reader.number()) == (77, 2)
    assert [reader.number() for _ in range(4)] == [2, 3, 6, -1]
    assert reader.raw(11) == "u1ü2memory".encode()
    assert (reader.number(), reader.number()) == (78, 0)
    assert [reader.number() for _ in range(5)] == [1, 79, 1, 2, 5]
    assert reader.raw(7) == b"u3often"
    assert reader.number() == 2
    assert [reader.sized() for _ in range(4)] == [b"alerts", b"k", b"v", b"00-1"]
    assert [reader.sized() for _ in range(4)] == [b"card-profiles", b"", b"v2", None]
    assert reader.rest() == b"sums"


def test_pairs_are_written_as_the_jvm_reads_them() -> None:
    reader = Reader(write_pairs([(b"a/1", b"{}"), (b"", b"1"), (b"gone", None)]))
    assert reader.number() == 3
    assert [reader.sized() for _ in range(6)] == [b"a/1", b"{}", b"", b"1", b"gone", None]
    assert reader.rest() == b""
