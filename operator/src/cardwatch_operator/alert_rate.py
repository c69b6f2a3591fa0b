"""How many alerts each DetectorConfig raises."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec
from confluent_kafka import OFFSET_END, TIMESTAMP_NOT_AVAILABLE, Message

from cardwatch_contracts.alert import FindingMode
from cardwatch_contracts.codec import InvalidRecordError, decode
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import ALERTS
from cardwatch_operator import metrics
from cardwatch_operator.reader import Follower, value_of
from cardwatch_operator.resources import now_ms

_WINDOW_S: Final = 60.0


class AlertRate:
    """Alerts by the config that judged, in minutes that follow one another."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at_s = clock() + _WINDOW_S
        self._counts: Counter[str] = Counter()
        self._last: Counter[str] | None = None
        self._lock = threading.Lock()

    def add(self, config: str) -> None:
        """Count an alert."""
        with self._lock:
            self._turn()
            self._counts[config] += 1

    def of_last_minute(self) -> Mapping[str, int] | None:
        """Return the last full minute's, 0 for what is not in it; None in the first minute."""
        with self._lock:
            self._turn()
            return self._last

    def _turn(self) -> None:
        late_s = self._clock() - self._ends_at_s
        if late_s < 0:
            return
        minutes = int(late_s // _WINDOW_S)
        self._last = Counter() if minutes else self._counts
        self._counts = Counter()
        self._ends_at_s += (minutes + 1) * _WINDOW_S


class AlertReader(Follower):
    """Counts what comes to `alerts`; trials in the shadow are no alerts."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__(kafka, ALERTS, isolation="read_committed", start=OFFSET_END)
        self.rate = AlertRate()

    def take(self, message: Message) -> None:
        """Count an alert; one that cannot be read is passed over."""
        with suppress(InvalidRecordError):
            judged = decode(_decoder, value_of(message))
            kind, written_at = message.timestamp()
            metrics.ALERTS.note(
                config=judged.config,
                mode=judged.mode,
                ingested_at=judged.ingested_at,
                written_at=None if kind == TIMESTAMP_NOT_AVAILABLE else written_at,
                committed_at=now_ms(),
                trace_id=judged.trace_id,
            )
            if judged.mode == "active":
                self.rate.add(judged.config)


class _Judged(msgspec.Struct):
    """As much of an alert as counting needs."""

    config: str
    ingested_at: int
    mode: FindingMode = "active"
    trace_id: str | None = None


_decoder: Final = msgspec.json.Decoder(_Judged)
