"""Records onto the board. What they mean the contracts know, what they add up to the board."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from confluent_kafka import Message

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import decode_config_ack, decode_config_record
from cardwatch_contracts.model_stats import decode_model_stats
from cardwatch_contracts.stats import decode_stats
from cardwatch_contracts.topics import (
    ALERTS,
    CARDS,
    CONFIG_ACKS,
    CONFIG_HISTORY,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
    MODEL_STATS,
    STATS,
)
from cardwatch_visualizer.live.board import LiveBoard
from cardwatch_visualizer.live.shapes import AlertRow
from cardwatch_visualizer.live.topics import value_of, written_at
from cardwatch_visualizer.live.windows import Latest

_MOST_AHEAD_MS: Final = 60_000
_MOST_ERASED: Final = 10_000


def now_ms() -> int:
    """Return milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


class RecordReader:
    """Puts records on a board.

    Args:
        board: where.
        since_ms: alerts written before then are past ones. Milliseconds since 1970-01-01 UTC.
        on_new: called with each new alert, its record and its row.
    """

    def __init__(
        self,
        board: LiveBoard,
        *,
        since_ms: int,
        on_new: Callable[[Alert, Message, AlertRow], None],
    ) -> None:
        self._board = board
        self._since_ms = since_ms
        self._on_new = on_new
        self._erased = Latest[str, int](_MOST_ERASED)
        self.alerts = 0
        """How many new ones there were."""
        self._read: Mapping[str, Callable[[Message], None]] = {
            ALERTS.name: self._alert,
            DETECTOR_CONFIGS.name: self._config,
            CONFIG_HISTORY.name: self._generation,
            DEAD_LETTERS.name: lambda _: None,  # counted alone
            CONFIG_ACKS.name: self._ack,
            STATS.name: self._stats,
            CARDS.name: self._card,
            MODEL_STATS.name: self._model,
        }

    def read(self, messages: Iterable[Message]) -> None:
        """Take records of any of the topics."""
        for message in messages:
            if written_at(message) >= self._since_ms:
                self._board.health.count(message.topic() or "")
            try:
                self._read[message.topic() or ""](message)
            except InvalidRecordError:
                self._board.add_unreadable()

    def _alert(self, message: Message) -> None:
        alert = decode_alert(value_of(message))
        erased_at = self._erased.get(alert.transaction.user_id)
        if erased_at is not None and alert.ingested_at <= erased_at:
            return
        # A clock that is ahead must not move the plots into the future.
        at = min(written_at(message), now_ms() + _MOST_AHEAD_MS)
        is_new = at >= self._since_ms
        row = self._board.add_alert(alert, written_at=at, timed=is_new)
        if is_new:
            self.alerts += 1
            self._on_new(alert, message, row)

    def _config(self, message: Message) -> None:
        value = value_of(message)
        if value is None:
            name = (message.key() or b"").decode(errors="replace")
            self._board.configs.forget(name)
            self._board.generations.forget(name)
        else:
            record = decode_config_record(value)
            self._board.configs.put(record)
            self._board.generations.put_current(record, written_at(message))

    def _generation(self, message: Message) -> None:
        value = value_of(message)
        if value is not None:
            self._board.generations.put(decode_config_record(value), written_at(message))

    def _card(self, message: Message) -> None:
        """Take an erasure: a tombstone whose key is a user's alone."""
        key = message.key()
        if value_of(message) is None and isinstance(key, bytes) and b"/" not in key:
            user_id = key.decode(errors="replace")
            self._erased.put(user_id, written_at(message))
            self._board.forget_user(user_id)

    def _ack(self, message: Message) -> None:
        value = value_of(message)
        if value is not None:
            self._board.configs.acknowledge(decode_config_ack(value))

    def _stats(self, message: Message) -> None:
        self._board.banks.put(decode_stats(value_of(message)))

    def _model(self, message: Message) -> None:
        stats = decode_model_stats(value_of(message))
        self._board.models.put(stats, now_ms(), is_new=written_at(message) >= self._since_ms)
