"""The archiver's loop: one topic from Kafka into a store, whatever becomes of either."""

import logging
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from time import monotonic
from typing import Final, Protocol

from confluent_kafka import Message

from cardwatch_archiver.kafka import TopicReader
from cardwatch_archiver.metrics import TopicMetrics
from cardwatch_archiver.position import (
    Position,
    PositionChangedError,
    StoreAwayError,
)
from cardwatch_archiver.settings import Pace

_log = logging.getLogger(__name__)

_FIRST_BACKOFF_S: Final = 0.1


class Sink(Protocol):
    """A store that keeps what a topic says together with how far that was read.

    Every method raises `StoreAwayError` where the store does not answer in time. What is written
    and the position change together, so the store itself knows how much of a batch it has.
    """

    @property
    def server(self) -> str:
        """What people call the store: `Valkey`, `PostgreSQL`."""

    def position(self, topic_id: str) -> Position:
        """Return how far the topic of this id is written."""

    def is_at(self, position: Position) -> bool:
        """Return whether the store is still where it was left."""

    def write(self, messages: Sequence[Message], before: Position) -> int:
        """Write messages and the position behind them; return how many were left out.

        Raises:
            PositionChangedError: the store is not at `before`.
        """

    def close(self) -> None:
        """Close the connection."""


class TopicArchiver:
    """Keeps a store up with a topic.

    Args:
        topic: the topic, opened.
        sink: where it goes.
        pace: sizes and waits.
        stop: set from outside to end the loop.
        metrics: what is to be counted.
        clock: wall time that never goes back, seconds.
    """

    def __init__(
        self,
        topic: TopicReader,
        sink: Sink,
        pace: Pace,
        *,
        stop: Event,
        metrics: TopicMetrics,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._topic = topic
        self._sink = sink
        self._pace = pace
        self._stop = stop
        self._metrics = metrics
        self._clock = clock
        self._position: Position | None = None
        self._written: Mapping[int, int] | None = None
        self._checked_s = clock()
        self._topic_checked_s = clock()

    def run(self) -> None:
        """Write until stopped.

        Raises:
            KafkaFailedError: Kafka says something that waiting does not mend.
        """
        backoff_s = 0.0
        while not self._stop.wait(backoff_s):
            try:
                self._step()
            except PositionChangedError:
                _log.warning(
                    "%s is not where it was left: going on from where it is now", self._sink.server
                )
                self._metrics.moved.inc()
                self._position = None
            except StoreAwayError as error:
                if not backoff_s:
                    _log.warning("%s does not answer (%s): trying again", self._sink.server, error)
                self._metrics.away.inc()
                # Whether the last batch is in is unknown now: the store itself will say.
                self._position = None
                backoff_s = min(max(2 * backoff_s, _FIRST_BACKOFF_S), self._pace.max_backoff_s)
            else:
                if backoff_s:
                    _log.info("%s answers again", self._sink.server)
                backoff_s = 0.0
            if self._position is not None:
                self._written = self._position.offsets
            if self._written is not None:
                self._metrics.lag.set(self._topic.behind(self._written))

    def _step(self) -> None:
        """Take one batch, or look whether the store is still where it was left."""
        if self._clock() - self._topic_checked_s >= self._pace.topic_check_interval_s:
            self._topic_checked_s = self._clock()
            self._topic.check_same()
        if self._position is None:
            self._position = self._begin()
        messages = self._topic.take(self._pace.batch_size, self._pace.batch_wait_s)
        if messages:
            while self._pace.checks_each_batch and not self._topic.check_same():
                if self._stop.wait(_FIRST_BACKOFF_S):
                    return
            self._write(messages)
            self._checked_s = self._clock()
        elif self._clock() - self._checked_s >= self._pace.check_interval_s:
            self._checked_s = self._clock()
            if not self._sink.is_at(self._position):
                raise PositionChangedError

    def _begin(self) -> Position:
        """Go where the store is."""
        position = self._sink.position(self._topic.topic_id)
        self._topic.seek(position.offsets)
        _log.info("%s: going on after %d offsets", self._topic.name, sum(position.offsets.values()))
        lost = self._topic.lost(position.offsets)
        if lost:
            _log.error(
                "%s: Kafka has deleted up to %d records before they came into %s",
                *(self._topic.name, lost, self._sink.server),
            )
        return position

    def _write(self, messages: Sequence[Message]) -> None:
        assert self._position is not None, "it was asked for"
        began_s = self._clock()
        left_out = self._sink.write(messages, self._position)
        self._position = self._position.after(messages)
        self._metrics.seconds.observe(self._clock() - began_s)
        self._metrics.written.inc(len(messages) - left_out)
        self._metrics.left_out.inc(left_out)
