"""Spans of archived alerts, without any server."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from tests.unit.transactions import make_transaction

from cardwatch_archiver.position import Position, StoreAwayError
from cardwatch_archiver.tracing import TracedSink
from cardwatch_contracts import telemetry as t
from cardwatch_contracts.alert import Alert, alert_id_of
from cardwatch_contracts.codec import encode
from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.spans import Span

_TRACE, _PARENT = "a" * 32, "b" * 16
_NOWHERE = Position(topic_id="topic", offsets={})


class Record:
    """What is asked of a message."""

    def __init__(self, number: int, *, sampled: bool = True, headers: bool = True) -> None:
        txn = make_transaction(transaction_id=f"t-{number}")
        self.alert = Alert(
            alert_id=alert_id_of(txn.transaction_id),
            transaction=txn,
            findings=(),
            config="built-in",
            generation=0,
            ingested_at=1,
        )
        flags = b"01" if sampled else b"00"
        context = f"00-{_TRACE}-{_PARENT}-".encode() + flags
        self._headers = [("traceparent", context)] if headers else None

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self._headers

    def value(self) -> bytes:
        return encode(self.alert)


class Store:
    """A sink that is away, or not."""

    server = "a store"

    def __init__(self, *, away: bool = False) -> None:
        self.away = away

    def position(self, topic_id: str) -> Position:
        return _NOWHERE

    def is_at(self, position: Position) -> bool:
        return True

    def write(self, messages: Sequence[Any], before: Position) -> int:
        if self.away:
            raise StoreAwayError("away")
        return 0

    def close(self) -> None:
        pass


class Spans(Exporter):
    """Keeps what it is given, as far as it has room."""

    def __init__(self, room: int = 100) -> None:
        self.kept: list[Span] = []
        self._room = room

    @property
    def room(self) -> int:
        return self._room - len(self.kept)

    def put_made(self, *spans: Span) -> None:
        self.kept += spans


def written(exporter: Spans, *records: Record, away: bool = False) -> list[Span]:
    times: Iterator[int] = iter(range(1_000, 9_000, 500))
    sink = TracedSink(Store(away=away), exporter, lambda: next(times))
    messages: Any = records
    sink.write(messages, _NOWHERE)
    return exporter.kept


def test_an_alert_whose_trace_is_recorded_has_a_span_below_the_one_that_sent_it() -> None:
    record = Record(1)
    (span,) = written(Spans(), record, Record(2, sampled=False), Record(3, headers=False))
    assert span.name == t.PROCESS_ALERTS
    assert (span.context.trace_id, span.parent_id) == (_TRACE, _PARENT)
    assert (span.start_ns, span.end_ns) == (1_000, 1_500)
    assert span.attributes[t.CONSUMER_GROUP] == "cardwatch-archiver"
    assert span.attributes[t.ALERT_ID] == record.alert.alert_id


def test_written_again_it_has_the_same_span_again() -> None:
    exporter = Spans()
    written(exporter, Record(1))
    first, second = written(exporter, Record(1))
    assert first.context == second.context


def test_no_more_are_made_than_there_is_room_for() -> None:
    assert len(written(Spans(room=2), *map(Record, range(5)))) == 2


def test_what_was_not_written_is_not_told() -> None:
    exporter = Spans()
    with pytest.raises(StoreAwayError):
        written(exporter, Record(1), away=True)
    assert exporter.kept == []
