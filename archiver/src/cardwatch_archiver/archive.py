"""The archiver's loop: card profiles from Kafka into Valkey, whatever becomes of either."""

import logging
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from time import monotonic
from typing import Final, cast

from confluent_kafka import Message
from valkey import ValkeyError

from cardwatch_archiver.kafka import ProfileTopic
from cardwatch_archiver.metrics import ArchiverMetrics
from cardwatch_archiver.profiles import Position, PositionChangedError, ProfileStore
from cardwatch_archiver.settings import ArchiverSettings
from cardwatch_contracts.card import decode_card_profile
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.privacy import is_card_number

_log = logging.getLogger(__name__)

_FIRST_BACKOFF_S: Final = 0.1


class ProfileArchiver:
    """Keeps the newest profile of every card in Valkey.

    Args:
        topic: the profiles' topic, opened.
        store: where they go.
        settings: sizes and waits.
        stop: set from outside to end the loop.
        metrics: what is to be counted.
        clock: wall time that never goes back, seconds.
    """

    def __init__(
        self,
        topic: ProfileTopic,
        store: ProfileStore,
        settings: ArchiverSettings,
        *,
        stop: Event,
        metrics: ArchiverMetrics | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._topic = topic
        self._store = store
        self._settings = settings
        self._stop = stop
        self._metrics = metrics or ArchiverMetrics()
        self._clock = clock
        self._position: Position | None = None
        self._written: Mapping[int, int] | None = None
        self._checked_s = clock()
        self._topic_checked_s = clock()

    def run(self) -> None:
        """Write profiles until stopped.

        Raises:
            KafkaFailedError: Kafka says something that waiting does not mend.
        """
        backoff_s = 0.0
        while not self._stop.wait(backoff_s):
            try:
                self._step()
            except PositionChangedError:
                _log.warning("Valkey is not where it was left: going on from where it is now")
                self._metrics.retries.labels("moved").inc()
                self._position = None
            except (ValkeyError, OSError) as error:
                if not backoff_s:
                    _log.warning("Valkey does not answer (%s): trying again", type(error).__name__)
                self._metrics.retries.labels("away").inc()
                # Whether the last batch is in is unknown now: Valkey itself will say.
                self._position = None
                backoff_s = min(max(2 * backoff_s, _FIRST_BACKOFF_S), self._settings.max_backoff_s)
            else:
                if backoff_s:
                    _log.info("Valkey answers again")
                backoff_s = 0.0
            if self._position is not None:
                self._written = self._position.offsets
            if self._written is not None:
                self._metrics.lag.set(self._topic.behind(self._written))

    def _step(self) -> None:
        """Take one batch, or look whether Valkey is still where it was left."""
        if self._clock() - self._topic_checked_s >= self._settings.topic_check_interval_s:
            self._topic_checked_s = self._clock()
            self._topic.check_same()
        if self._position is None:
            self._position = self._store.position(self._topic.topic_id)
            self._topic.seek(self._position.offsets)
            _log.info("going on after %d offsets", sum(self._position.offsets.values()))
        messages = self._topic.take(self._settings.batch_size, self._settings.batch_wait_s)
        if messages:
            after = Position(
                topic_id=self._position.topic_id,
                offsets={**self._position.offsets, **next_offsets(messages)},
            )
            self._write(messages, after)
            self._checked_s = self._clock()
        elif self._clock() - self._checked_s >= self._settings.check_interval_s:
            self._checked_s = self._clock()
            if not self._store.is_at(self._position):
                raise PositionChangedError

    def _write(self, messages: Sequence[Message], after: Position) -> None:
        assert self._position is not None, "it was asked for"
        profiles, left_out = newest_profiles(messages)
        began_s = self._clock()
        self._store.write(profiles, before=self._position, after=after)
        self._position = after
        self._metrics.write_seconds.observe(self._clock() - began_s)
        self._metrics.written.inc(len(messages) - left_out)
        self._metrics.left_out.inc(left_out)


def next_offsets(messages: Sequence[Message]) -> dict[int, int]:
    """Return the offset after the last message of each partition."""
    return {cast(int, m.partition()): cast(int, m.offset()) + 1 for m in messages}


def newest_profiles(messages: Sequence[Message]) -> tuple[dict[str, bytes | None], int]:
    """Return the last value of each card, None for a card that is to be forgotten.

    A message that is no card profile is logged by its place and left out. How many these are is
    returned, too.
    """
    newest: dict[str, bytes | None] = {}
    left_out = 0
    for message in messages:
        try:
            card_id = _card_id(message)
            value = message.value()
            if value is not None:
                decode_card_profile(value)
            newest[card_id] = value
        except InvalidRecordError as error:
            left_out += 1
            _log.warning(
                "left out %s/%s/%s: %s",
                message.topic(),
                message.partition(),
                message.offset(),
                error,
            )
    return newest, left_out


def _card_id(message: Message) -> str:
    key = message.key()
    try:
        card_id = key.decode() if isinstance(key, bytes) else key or ""
    except UnicodeDecodeError:
        raise InvalidRecordError("key: not UTF-8; allowed: a card's token") from None
    if not card_id or is_card_number(card_id):
        raise InvalidRecordError("key: no card's token; allowed: a card's token")
    return card_id
