"""All that a running gateway is made of."""

import asyncio
import logging
import os
import random
import socket
from collections.abc import Callable
from typing import Final

from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_gateway.alert_follower import AlertFollower
from cardwatch_gateway.alert_hub import AlertHub
from cardwatch_gateway.alert_topic import AlertPast
from cardwatch_gateway.archive import Archive
from cardwatch_gateway.gate import Gate
from cardwatch_gateway.idempotency import IdempotencyKeys
from cardwatch_gateway.ingest import Ingest
from cardwatch_gateway.key_file import KeyFile
from cardwatch_gateway.metrics import GatewayMetrics
from cardwatch_gateway.rates import Rates
from cardwatch_gateway.sender import Sender
from cardwatch_gateway.settings import GatewaySettings
from cardwatch_gateway.shared_answers import ValkeyAnswers
from cardwatch_gateway.tracing import Tracer
from cardwatch_gateway.verdicts import VerdictReader, Waiters

_log = logging.getLogger(__name__)

_ASK_EVERY_S: Final = 2.0
_ASK_S: Final = 2.0
_CLOSE_S: Final = 5.0


class Services:
    """The parts of a gateway, made in its event loop.

    Args:
        settings: addresses and bounds.
        keys: who may ask.
        exporter: takes spans; None: nobody does.
        metrics: what is counted.
        on_fatal: called when this process can send nothing any more.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        keys: KeyFile,
        *,
        exporter: Exporter | None,
        metrics: GatewayMetrics,
        on_fatal: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        # Begins with a letter: nobody takes it for a card number.
        self.instance = f"gateway-{socket.gethostname()[:60]}-{os.getpid()}-{_random_word()}"
        self.gate = Gate(keys, Rates())
        self.sender = Sender(settings, on_fatal=on_fatal)
        tracer = Tracer(settings.sampled_share)
        self.ingest = Ingest(
            settings, self.sender, tracer=tracer, exporter=exporter, metrics=metrics
        )
        self._shared = self._shared_answers()
        self.once = IdempotencyKeys(
            ttl_s=settings.idempotency_ttl_s,
            max_bytes=settings.idempotency_max_bytes,
            shared=self._shared,
        )
        kafka = settings.bootstrap_servers
        self.waiters = Waiters(settings.max_waiters)
        self.verdicts = VerdictReader(kafka, instance=self.instance, waiters=self.waiters)
        self.hub = AlertHub(most_followers=settings.max_stream_clients, queue=settings.stream_queue)
        self.past = AlertPast(kafka)
        self._follower = AlertFollower(kafka, self.hub, exporter)
        self.archive = Archive(settings.database)
        self.draining = False
        """Whether it takes nothing more: it is about to stop."""
        self._kafka_missing: str | None = "it was not asked yet"
        self._watch: asyncio.Task[None] | None = None
        metrics.in_flight.set_function(lambda: self.sender.in_flight)
        metrics.stream_clients.set_function(lambda: len(self.hub))

    async def open(self) -> None:
        """Begin; nothing outside need be there yet."""
        await self.archive.open()
        self.verdicts.start()
        self._follower.start()
        self._watch = asyncio.create_task(self._ask_kafka())

    def drain(self) -> None:
        """Take nothing more, and let those go who follow alerts."""
        self.draining = True
        self.hub.close()

    async def close(self) -> None:
        """Wait for what Kafka has not acknowledged, and let go of everything."""
        self.drain()
        if self._watch is not None:
            self._watch.cancel()
        left = await self.sender.flush(_CLOSE_S)
        if left:
            _log.warning("%d records were not acknowledged; nobody was told they were", left)
        self.sender.close()
        await asyncio.gather(
            asyncio.to_thread(self.verdicts.end),
            asyncio.to_thread(self._follower.end),
            self.archive.close(),
        )
        self.past.close()
        if self._shared is not None:
            await self._shared.close()

    def not_ready(self) -> list[str]:
        """Return why transactions cannot be taken; nothing where they can."""
        reasons = []
        if self.draining:
            reasons.append("it stops")
        if self.sender.fatal:
            reasons.append(f"Kafka's client has given up: {self.sender.fatal}")
        if self._kafka_missing:
            reasons.append(f"Kafka: {self._kafka_missing}")
        if self.sender.stuck_s > self.settings.stuck_after_s:
            reasons.append(f"Kafka has given no word for {self.sender.stuck_s:.0f} s")
        return reasons

    async def _ask_kafka(self) -> None:
        while True:
            missing = await asyncio.to_thread(self.sender.reachable, TRANSACTIONS.name, _ASK_S)
            if missing != self._kafka_missing:
                said = "Kafka answers" if missing is None else f"Kafka is away: {missing}"
                _log.log(logging.INFO if missing is None else logging.WARNING, said)
            self._kafka_missing = missing
            await asyncio.sleep(_ASK_EVERY_S)

    def _shared_answers(self) -> ValkeyAnswers | None:
        settings = self.settings
        if settings.valkey_url is None:
            return None
        return ValkeyAnswers(
            settings.valkey_url,
            ttl_s=settings.idempotency_ttl_s,
            lease_s=settings.ack_timeout_s + 5,
            max_bytes=settings.idempotency_max_bytes,
            metrics=self.metrics,
        )


def _random_word() -> str:
    return f"{random.SystemRandom().getrandbits(32):08x}"
