"""What can be set for the gateway."""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cardwatch_contracts.database_settings import Database
from cardwatch_contracts.kafka_settings import Kafka

_POSITIVE: Final = (
    "max_batch",
    "max_body_bytes",
    "max_connections",
    "max_in_flight",
    "max_waiters",
    "max_stream_clients",
    "stream_queue",
    "header_timeout_s",
    "body_timeout_s",
    "ack_timeout_s",
    "stuck_after_s",
    "delivery_timeout_s",
    "heartbeat_s",
    "send_timeout_s",
    "drain_timeout_s",
    "idempotency_ttl_s",
    "idempotency_max_bytes",
    "settle_s",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """Where the gateway listens, what it speaks to, and its bounds.

    Raises:
        ValueError: a setting is not allowed; the message names it and what is.
    """

    bootstrap_servers: Kafka
    """Kafka brokers, `host:port` with commas between, and how they are spoken to."""
    keys_file: Path | None = None
    """API keys, hashed; read again when it changes. None only with `no_auth`."""
    no_auth: bool = False
    """Take everybody for every bank and role: for a demo, on a loopback address alone."""
    host: str = "127.0.0.1"
    """The address to listen at."""
    port: int = 8080
    """The port to listen at; 0: a free one, which the log names."""
    metrics_port: int | None = None
    """Where Prometheus reads; None: nowhere."""
    database: Database | None = None
    """The archive, and where its password is; None: there is none."""
    valkey_url: str | None = None
    """Where replicas share Idempotency-Keys; None: each replica knows its own."""
    sampled_share: float = 0.01
    """Share of the traces begun here that are recorded. 0 to 1."""

    max_batch: int = 1_000
    """Most transactions in one request."""
    max_body_bytes: int = 1_048_576
    """Longest body of a request. Bytes."""
    max_connections: int = 2_000
    """Most connections at a time; others are answered 503 and closed."""
    header_timeout_s: float = 10.0
    """How long a request's line and headers may take. Seconds."""
    body_timeout_s: float = 10.0
    """How long a request's body may take. Seconds."""
    max_in_flight: int = 20_000
    """Most transactions that Kafka has not acknowledged; above it the answer is 503."""
    ack_timeout_s: float = 10.0
    """How long a request waits for Kafka's acknowledgement. Seconds."""
    stuck_after_s: float = 5.0
    """So long after Kafka's last acknowledgement nothing more is taken. Seconds."""
    delivery_timeout_s: float = 120.0
    """How long Kafka's client tries a transaction, whoever waits for it. Seconds."""
    max_waiters: int = 5_000
    """Most transactions whose senders wait for a verdict."""
    max_stream_clients: int = 200
    """Most clients that follow alerts."""
    stream_queue: int = 1_000
    """Most alerts that wait for a slow client; one more, and it is let go."""
    heartbeat_s: float = 15.0
    """How often a quiet stream of alerts gives a sign of life. Seconds."""
    send_timeout_s: float = 30.0
    """How long a client of a stream may read nothing. Seconds."""
    drain_timeout_s: float = 25.0
    """How long requests may take to end after SIGTERM. Seconds."""
    idempotency_ttl_s: float = 3_600.0
    """How long the answer under an Idempotency-Key is kept. Seconds."""
    idempotency_max_bytes: int = 64 * 1024 * 1024
    """Most bytes of answers that are kept, here and in Valkey each."""
    settle_s: float = 60.0
    """An archived transaction so old has its alert archived too, if there is one. Seconds."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: {getattr(self, name)}; allowed: above 0")
        if not 0 <= self.sampled_share <= 1:
            raise ValueError(f"sampled_share: {self.sampled_share}; allowed: 0 to 1")
        if not 0 <= self.port < 65_536:
            raise ValueError(f"port: {self.port}; allowed: 0 to 65535")
        if not str(self.bootstrap_servers).strip():
            raise ValueError("bootstrap_servers: empty; allowed: host:port")
        self._check_auth()

    def _check_auth(self) -> None:
        if self.no_auth and self.keys_file is not None:
            raise ValueError("no_auth: allowed without a keys file alone")
        if self.no_auth and not is_loopback(self.host):
            raise ValueError(
                f"no_auth: the host is {self.host}; allowed: a loopback address such as 127.0.0.1"
            )
        if not self.no_auth and self.keys_file is None:
            raise ValueError(
                "keys_file: missing; `python -m cardwatch_gateway new-key` makes what it holds"
            )

    def __repr__(self) -> str:
        return f"GatewaySettings(bootstrap_servers={str(self.bootstrap_servers)!r})"


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
