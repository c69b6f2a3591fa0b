"""Records into Kafka, each with word of what became of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, time_ns
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties, refusal_of
from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_gateway.delivery import Delivery
from cardwatch_gateway.settings import GatewaySettings

_BUSY_POLL_S: Final = 0.001
_IDLE_POLL_S: Final = 0.1
_QUEUE_KBYTES: Final = 131_072
_LINGER_MS: Final = 5.0
"""How long a record waits for others of its partition. Each request to Kafka costs both sides more
than taking a transaction does: with 1 ms there were twice as many, and every one was later."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record that is to be sent."""

    topic: str
    key: bytes
    value: bytes
    traceparent: bytes


class Sender:
    """Kafka's idempotent producer.

    Its reports are taken in the event loop, every millisecond while there are any to come: a thread
    that waits for them would contend with the loop for the interpreter.

    Args:
        settings: where Kafka is, and how patient its client.
        on_fatal: called in the event loop when the producer can never send again.
    """

    def __init__(self, settings: GatewaySettings, *, on_fatal: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_fatal = on_fatal
        self.errors = ClientErrors()
        self.fatal: str | None = None
        """Why nothing can be sent any more."""
        self.in_flight = 0
        """Records of which there is no word yet."""
        self._progress_s = monotonic()
        self._producer = Producer(
            {
                **client_properties(settings.bootstrap_servers),
                "client.id": "cardwatch-gateway",
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                "linger.ms": _LINGER_MS,
                "message.timeout.ms": int(settings.delivery_timeout_s * 1000),
                "queue.buffering.max.messages": 2 * settings.max_in_flight,
                "queue.buffering.max.kbytes": _QUEUE_KBYTES,
                "socket.connection.setup.timeout.ms": 5_000,
                "reconnect.backoff.max.ms": 1_000,
                "log_level": 2,  # critical: `error_cb` hears of the rest, once
                "error_cb": self._on_error,
            }
        )
        self._next_poll = self._loop.call_later(0, self._poll)

    @property
    def stuck_s(self) -> float:
        """How long Kafka has given no word while there were records it had to give word of."""
        return monotonic() - self._progress_s if self.in_flight else 0.0

    def send(self, record: Outgoing) -> Delivery:
        """Send one record.

        Raises:
            BufferError: the client's queue is full.
            KafkaException: the client refuses the record.
        """
        delivery = Delivery()

        def report(error: KafkaError | None, message: Message) -> None:
            self.in_flight -= 1
            if error is None:
                self._progress_s = monotonic()
            elif refusal_of(error):
                self.errors(error)
            delivery.settle(
                None if error is None else error.str(),
                message.partition() or 0,
                message.offset() or 0,
                time_ns(),
            )

        self._producer.produce(
            record.topic,
            value=record.value,
            key=record.key,
            headers=[(TRACEPARENT_HEADER, record.traceparent)] if record.traceparent else None,
            on_delivery=report,
        )
        if not self.in_flight:
            self._progress_s = monotonic()
            self._next_poll.cancel()
            self._next_poll = self._loop.call_later(_BUSY_POLL_S, self._poll)
        self.in_flight += 1
        return delivery

    def reachable(self, topic: str, timeout_s: float) -> str | None:
        """Ask Kafka for a topic; return why it cannot be had, None where it can. Blocks."""
        try:
            metadata = self._producer.list_topics(topic, timeout=timeout_s).topics[topic]
        except KafkaException as error:
            return self.errors.cause(error.args[0].str())
        if metadata.error is not None:
            return refusal_of(metadata.error) or metadata.error.str()
        self.errors.forget()
        return None

    async def flush(self, timeout_s: float) -> int:
        """Wait until there is word of everything; return of how much there is none."""
        deadline_s = monotonic() + timeout_s
        while self.in_flight and monotonic() < deadline_s:
            await asyncio.sleep(_BUSY_POLL_S)
        return self.in_flight

    def close(self) -> None:
        """Give up what is left and let go of Kafka. Blocks shortly."""
        self._next_poll.cancel()
        self._producer.purge()
        self._producer.flush(1)

    def _poll(self) -> None:
        self._producer.poll(0)
        wait_s = _BUSY_POLL_S if self.in_flight else _IDLE_POLL_S
        self._next_poll = self._loop.call_later(wait_s, self._poll)

    def _on_error(self, error: KafkaError) -> None:
        self.errors(error)
        if error.fatal() and self.fatal is None:
            self.fatal = error.str()
            self._on_fatal(self.fatal)
