"""Transactions, cards and their history into Kafka."""

from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cardwatch_contracts.card import Card, card_key
from cardwatch_contracts.codec import encode
from cardwatch_contracts.kafka_clients import ClientErrors, client_properties, refusal_of
from cardwatch_contracts.kafka_settings import PROTOCOL, Kafka
from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import CARDS, TRANSACTIONS
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.tracing import Delivered, SendTimes, on_delivery, timed


class PublishError(RuntimeError):
    """Kafka did not take what it was given: says what, where and what to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """How to reach Kafka and how long to wait for it."""

    bootstrap_servers: Kafka
    """`host:port`, several separated by commas, and how they are spoken to."""

    linger_ms: float = 5.0
    """Longest wait for more records before a request is sent. Milliseconds, 0 to 1000."""

    connect_timeout_s: float = 10.0
    """How long a first answer may take. Seconds, > 0."""

    delivery_timeout_s: float = 30.0
    """How long a record is retried before it counts as failed. Seconds, >= 1."""

    flush_timeout_s: float = 35.0
    """How long the last records may take at the end. Seconds, > 0."""

    def __post_init__(self) -> None:
        if not str(self.bootstrap_servers).strip():
            raise ValueError("bootstrap_servers is empty: `host:port` is needed")
        for field, value, lowest, highest in (
            ("linger_ms", self.linger_ms, 0, 1_000),
            ("connect_timeout_s", self.connect_timeout_s, 0.1, 600),
            ("delivery_timeout_s", self.delivery_timeout_s, 1, 600),
            ("flush_timeout_s", self.flush_timeout_s, 0.1, 3_600),
        ):
            if not lowest <= value <= highest:
                raise ValueError(f"{field} {value:g}: allowed is {lowest:g} to {highest:g}")

    def producer_config(self) -> dict[str, object]:
        """Return the settings by librdkafka's names, a password among them.

        Raises:
            KafkaSettingsError: the password's or the certificates' file is not there any more.
        """
        return {
            **client_properties(self.bootstrap_servers),
            "client.id": "cardwatch-generator",
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": self.linger_ms,
            "message.timeout.ms": int(self.delivery_timeout_s * 1000),
            "socket.connection.setup.timeout.ms": 5_000,
            "reconnect.backoff.max.ms": 1_000,
            "delivery.report.only.error": True,
            "log_level": 2,  # critical: `error_cb` hears of the rest, once instead of ten times
        }


class KafkaSink:
    """Publishes transactions under their user's key with their trace context as header.

    Raises:
        PublishError: no broker answers in time, or it has no topic for transactions.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        exporter: Exporter | None = None,
        times: SendTimes | None = None,
    ) -> None:
        """Connect; `exporter` gets a span for each transaction that is sampled, `times` all."""
        self._settings = settings
        self._exporter = exporter
        self._times = times
        self._sent = 0
        self._failed = 0
        self._cards_failed = 0
        self._first_error: str | None = None
        self._errors = ClientErrors()
        config = settings.producer_config() | {
            "error_cb": self._errors,
            # A span ends when Kafka has its transaction, and so does what is timed.
            "delivery.report.only.error": exporter is None and times is None,
        }
        self._producer = Producer(config)
        self._connect()

    @property
    def sent(self) -> int:
        """Transactions that were given to the client."""
        return self._sent

    @property
    def acknowledged(self) -> int:
        """Transactions that all in-sync replicas have."""
        return max(0, self._sent - self._failed - len(self._producer))

    @property
    def failed(self) -> int:
        """Transactions that were given up."""
        return self._failed

    def send(self, batch: TransactionBatch) -> None:
        """Publish a batch; waits while the local queue is full.

        Raises:
            PublishError: an earlier or this transaction could not be delivered in time.
        """
        for txn, traceparent in zip(batch.transactions, batch.traceparents, strict=True):
            self._produce(
                TRANSACTIONS.name,
                txn.user_id.encode(),
                encode(txn),
                [(TRACEPARENT_HEADER, traceparent.encode())],
                self._delivery(txn, traceparent),
            )
            self._sent += 1
        self.check()

    def send_cards(self, cards: Iterable[Card]) -> int:
        """Publish what is on record for cards, wait for it, and return how many there were.

        Raises:
            PublishError: a record could not be delivered in time.
        """
        self.flush()
        count = 0
        for card in cards:
            self._produce(CARDS.name, card_key(card), encode(card), [], self._on_failure)
            count += 1
        self.flush()
        return count

    def check(self) -> None:
        """Serve delivery reports.

        Raises:
            PublishError: a record could not be delivered in time.
        """
        self._producer.poll(0)
        if self._first_error is not None:
            raise PublishError(
                f"Kafka at {self._settings.bootstrap_servers} did not take a record within "
                f"{self._settings.delivery_timeout_s:g} s: {self._cause(self._first_error)}; "
                f"{self._failed:,} of {self._sent:,} transactions failed. Is the broker up?"
            )

    def flush(self) -> None:
        """Wait until everything is acknowledged.

        Raises:
            PublishError: something was not acknowledged before `flush_timeout_s`.
        """
        left = self._producer.flush(self._settings.flush_timeout_s)
        if left:
            self._producer.purge()
            self._producer.flush(1)
            raise PublishError(
                f"Kafka at {self._settings.bootstrap_servers} left {left:,} records without an "
                f"answer for {self._settings.flush_timeout_s:g} s: {self._cause()}"
            )
        self.check()

    def close(self) -> None:
        """Give up what is still in the queue and let go of the connection, at once."""
        self._producer.purge()
        self._producer.flush(1)

    def _delivery(self, txn: Transaction, traceparent: str) -> Delivered:
        report = on_delivery(self._exporter, txn, traceparent, self._on_failure)
        if self._times is not None:
            report = timed(self._times, traceparent, report)
        return report

    def _connect(self) -> None:
        try:
            # By its name: of a list of all, what the user may not see is left out.
            topic = self._producer.list_topics(
                TRANSACTIONS.name, timeout=self._settings.connect_timeout_s
            ).topics[TRANSACTIONS.name]
        except KafkaException as error:
            raise PublishError(
                f"no Kafka broker answered at {self._settings.bootstrap_servers} within "
                f"{self._settings.connect_timeout_s:g} s: {self._cause(error.args[0].str())}. "
                f"Is it up, is the address right, and is {PROTOCOL} what it wants?"
            ) from None
        if topic.error is not None and (refusal := refusal_of(topic.error)):
            raise PublishError(f"Kafka at {self._settings.bootstrap_servers}: {refusal}")
        if topic.error is not None and topic.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise PublishError(
                f"Kafka at {self._settings.bootstrap_servers} has no topic {TRANSACTIONS.name!r}: "
                "create Cardwatch's topics first"
            )

    def _produce(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: list[tuple[str, str | bytes | None]],
        delivered: Delivered,
    ) -> None:
        deadline = monotonic() + self._settings.delivery_timeout_s
        while True:
            try:
                self._producer.produce(
                    topic, value=value, key=key, headers=headers, on_delivery=delivered
                )
                return
            except BufferError:
                self._producer.poll(0.05)
                if self._first_error is not None or monotonic() > deadline:
                    self.check()
                    raise PublishError(
                        f"the queue to Kafka at {self._settings.bootstrap_servers} was full for "
                        f"{self._settings.delivery_timeout_s:g} s: {self._cause()}"
                    ) from None
            except KafkaException as error:
                raise PublishError(
                    f"Kafka at {self._settings.bootstrap_servers} refused a record for "
                    f"{topic!r}: {self._cause(error.args[0].str())}"
                ) from None

    def _cause(self, otherwise: str = "no answer") -> str:
        self._producer.poll(0)  # lets librdkafka tell what happened on its connections
        return self._errors.cause(otherwise)

    def _on_failure(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            return
        self._first_error = self._first_error or error.str()
        if refusal_of(error):
            self._errors(error)
        if message.topic() == TRANSACTIONS.name:
            self._failed += 1
