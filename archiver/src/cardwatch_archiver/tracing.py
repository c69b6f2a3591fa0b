"""Spans of alerts that are archived."""

from collections.abc import Callable, Iterator, Sequence
from time import time_ns
from typing import Final

from confluent_kafka import Message

from cardwatch_archiver.archive import Sink
from cardwatch_archiver.position import Position
from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.messaging import processed_alert, recorded_in
from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.spans import Span

SERVICE: Final = "cardwatch-archiver"


class TracedSink:
    """A sink of alerts that tells, of those whose trace is recorded, when they were written.

    Args:
        sink: where alerts go.
        exporter: takes the spans, as many as it has room for.
        clock_ns: nanoseconds since 1970-01-01 UTC.
    """

    def __init__(
        self, sink: Sink, exporter: Exporter, clock_ns: Callable[[], int] = time_ns
    ) -> None:
        self._sink = sink
        self._exporter = exporter
        self._clock_ns = clock_ns

    @property
    def server(self) -> str:
        """What people call the store."""
        return self._sink.server

    def position(self, topic_id: str) -> Position:
        """Return how far the topic of this id is written."""
        return self._sink.position(topic_id)

    def is_at(self, position: Position) -> bool:
        """Return whether the store is still where it was left."""
        return self._sink.is_at(position)

    def write(self, messages: Sequence[Message], before: Position) -> int:
        """Write messages, and tell; return how many were left out."""
        start_ns = self._clock_ns()
        left_out = self._sink.write(messages, before)
        end_ns = self._clock_ns()
        # One that cannot be archived cannot be decoded either. Written again after a failure, an
        # alert has the same span again.
        for span in _spans(messages, start_ns, end_ns, most=self._exporter.room):
            self._exporter.put_made(span)
        return left_out

    def close(self) -> None:
        """Close the connection."""
        self._sink.close()


def _spans(messages: Sequence[Message], start_ns: int, end_ns: int, *, most: int) -> Iterator[Span]:
    """Yield the spans of alerts whose traces are recorded; the others are not even decoded."""
    for message in messages:
        traceparent = recorded_in(message.headers())
        if traceparent is None:
            continue
        if most == 0:
            return
        value = message.value()
        try:
            alert = decode_alert(value if isinstance(value, bytes) else None)
        except InvalidRecordError:
            continue
        span = processed_alert(
            alert, traceparent, consumer=SERVICE, start_ns=start_ns, end_ns=end_ns
        )
        if span is not None:
            most -= 1
            yield span
