"""Alerts as they come, read by one thread for all who follow them."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Final

from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_gateway.alert_hub import AlertEvent, AlertHub
from cardwatch_gateway.alert_topic import alert_consumer, assigned, bounds_of, read_event
from cardwatch_gateway.cursor import Cursor
from cardwatch_gateway.reading import ReadingThread, take

_POLL_S: Final = 0.2
_TAKE: Final = 200


class AlertFollower(ReadingThread):
    """Brings committed alerts to the hub, from the topic's end on, in a thread."""

    def __init__(self, kafka: Kafka, hub: AlertHub) -> None:
        super().__init__("alerts")
        self._kafka = kafka
        self._hub = hub
        self._position: Cursor | None = None
        self._loop = asyncio.get_running_loop()

    def read(self) -> None:
        """Bring alerts until it is ended; raises as `ReadingThread.read` says."""
        consumer = alert_consumer(self._kafka)
        try:
            if self._position is None:
                self._position = Cursor(tuple(bounds_of(consumer)[1]))
                self._tell([], self._position)
            consumer.assign(assigned(self._position))
            while not self.ended.is_set():
                messages = [m for m in take(consumer, _TAKE, _POLL_S) if m.error() is None]
                events = []
                for message in messages:
                    self._position = self._position.after(
                        message.partition() or 0, message.offset() or 0
                    )
                    event = read_event(message, self._position)
                    if event is not None:
                        events.append(event)
                if messages:
                    self._tell(events, self._position)
        finally:
            consumer.close()

    def _tell(self, events: Sequence[AlertEvent], position: Cursor) -> None:
        """Hand over, and wait until it is handed on: no more is read than the hub takes."""
        taken = threading.Event()

        def publish() -> None:
            self._hub.publish(events, position)
            taken.set()

        self._loop.call_soon_threadsafe(publish)
        while not taken.wait(_POLL_S) and not self.ended.is_set():
            pass
