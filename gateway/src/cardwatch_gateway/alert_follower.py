"""Alerts as they come, read by one thread for all who follow them."""

import asyncio
import threading
from collections.abc import Sequence
from time import time_ns
from typing import Final

from confluent_kafka import Message

from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.messaging import processed_alert, recorded_in
from cardwatch_contracts.span_export import Exporter
from cardwatch_gateway.alert_hub import AlertEvent, AlertHub
from cardwatch_gateway.alert_topic import alert_consumer, assigned, bounds_of, read_event
from cardwatch_gateway.cursor import Cursor
from cardwatch_gateway.reading import ReadingThread, take
from cardwatch_gateway.tracing import SERVICE

_POLL_S: Final = 0.2
_TAKE: Final = 200


class AlertFollower(ReadingThread):
    """Brings committed alerts to the hub, from the topic's end on, in a thread."""

    def __init__(self, kafka: Kafka, hub: AlertHub, exporter: Exporter | None = None) -> None:
        super().__init__("alerts")
        self._kafka = kafka
        self._hub = hub
        self._exporter = exporter
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
                start_ns = time_ns()
                told: list[tuple[AlertEvent, Message]] = []
                for message in messages:
                    self._position = self._position.after(
                        message.partition() or 0, message.offset() or 0
                    )
                    event = read_event(message, self._position)
                    if event is not None:
                        told.append((event, message))
                if messages:
                    self._tell([event for event, _ in told], self._position)
                    self._record(told, start_ns)
        finally:
            consumer.close()

    def _record(self, told: Sequence[tuple[AlertEvent, Message]], start_ns: int) -> None:
        """Tell of alerts whose traces are recorded that they were pushed, if to anybody."""
        if self._exporter is None or not len(self._hub):
            return
        end_ns = time_ns()
        for event, message in told:
            span = processed_alert(
                event.alert,
                recorded_in(message.headers()),
                consumer=SERVICE,
                start_ns=start_ns,
                end_ns=end_ns,
            )
            if span is not None:
                self._exporter.put_made(span)

    def _tell(self, events: Sequence[AlertEvent], position: Cursor) -> None:
        """Hand over, and wait until it is handed on: no more is read than the hub takes."""
        taken = threading.Event()

        def publish() -> None:
            self._hub.publish(events, position)
            taken.set()

        self._loop.call_soon_threadsafe(publish)
        while not taken.wait(_POLL_S) and not self.ended.is_set():
            pass
