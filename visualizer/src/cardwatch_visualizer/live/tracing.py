"""Spans of alerts that are on the screen."""

from collections import deque
from time import time_ns
from typing import Final

from confluent_kafka import Message

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.messaging import processed_alert, recorded_in
from cardwatch_contracts.span_export import Exporter

SERVICE: Final = "cardwatch-visualizer"
_MOST_WAITING: Final = 1_000


class ShownAlerts:
    """Alerts whose trace is recorded, until the tick is written that shows them.

    Args:
        exporter: takes the spans, as many as it has room for; None: nobody does.
    """

    def __init__(self, exporter: Exporter | None) -> None:
        self._exporter = exporter
        self._waiting: deque[tuple[Alert, str, int]] = deque(maxlen=_MOST_WAITING)

    def take(self, alert: Alert, message: Message) -> None:
        """Take a new alert and its record."""
        if self._exporter is None:
            return
        traceparent = recorded_in(message.headers())
        if traceparent is not None:
            self._waiting.append((alert, traceparent, time_ns()))

    def written(self) -> None:
        """Tell of all that wait: browsers have them now."""
        end_ns = time_ns()
        while self._waiting and self._exporter is not None:
            alert, traceparent, start_ns = self._waiting.popleft()
            span = processed_alert(
                alert, traceparent, consumer=SERVICE, start_ns=start_ns, end_ns=end_ns
            )
            if span is not None:
                self._exporter.put_made(span)
