"""What can be set for the visualizer."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from cardwatch_contracts.database_settings import Database
from cardwatch_contracts.kafka_settings import Kafka

Login = Literal["none", "users", "proxy"]
Network = IPv4Network | IPv6Network

_POSITIVE: Final = ("workers", "threads", "max_streams", "tick_ms", "heartbeat_s", "session_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyLogin:
    """A reverse proxy that has people log in, by OIDC for instance, and says who asks."""

    networks: tuple[Network, ...]
    """Where it is. From elsewhere its headers are worth nothing."""
    user_header: str = "X-Forwarded-User"
    """The header with the user's name."""
    groups_header: str = "X-Forwarded-Groups"
    """The header with the user's groups, commas between."""
    analyst_groups: frozenset[str] = frozenset({"cardwatch-analysts"})
    """Whoever is in one of them is an analyst; others are viewers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualizerSettings:
    """Where the visualizer listens, what it speaks to, who may see it, and its bounds.

    Raises:
        ValueError: a setting is not allowed; the message names it and what is.
    """

    bootstrap_servers: Kafka
    """Kafka brokers, `host:port` with commas between, and how they are spoken to."""
    valkey_url: str
    """Where the collector keeps what happens now, for all workers and replicas."""
    database: Database | None = None
    """The archive; None: there is none, and pages that need it say so."""
    host: str = "127.0.0.1"
    """The address to listen at."""
    port: int = 8050
    """The port to listen at; 0: a free one, which the log names."""
    metrics_port: int | None = None
    """Where Prometheus reads; None: nowhere."""
    login: Login = "users"
    """`users`: a file of names and hashed passwords; `proxy`: a reverse proxy says who it is;
    `none`: everybody is an analyst, for a demo on a loopback address alone."""
    users_file: Path | None = None
    """Names, hashed passwords and roles; with `users` alone. Read again when it changes."""
    session_key_file: Path | None = None
    """At least 32 bytes that sign sessions, the same for all replicas. None: random ones, so that
    everybody logs in again after a restart."""
    proxy: ProxyLogin | None = None
    """With `proxy` alone."""
    jaeger_url: str | None = None
    """Base of Jaeger's pages, such as `http://jaeger:16686`; None: traces have no links."""

    workers: int = 2
    """Processes that answer."""
    threads: int = 24
    """Requests that each of them answers at a time, live streams included."""
    max_streams: int = 16
    """Most live streams of each worker; one more is answered 503. Below `threads`."""
    tick_ms: int = 500
    """How often changes are pushed. Milliseconds."""
    heartbeat_s: float = 5.0
    """How often a quiet stream gives a sign of life. Seconds."""
    session_s: float = 12 * 3600.0
    """How long a login lasts. Seconds."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: {getattr(self, name)}; allowed: above 0")
        if not 0 <= self.port < 65_536:
            raise ValueError(f"port: {self.port}; allowed: 0 to 65535")
        if self.max_streams >= self.threads:
            raise ValueError(
                f"max_streams: {self.max_streams}; allowed: fewer than the {self.threads} threads, "
                "so that pages are answered too"
            )
        if not str(self.bootstrap_servers).strip():
            raise ValueError("bootstrap_servers: empty; allowed: host:port")
        if not self.valkey_url.startswith(("valkey://", "valkeys://", "redis://", "rediss://")):
            raise ValueError("valkey_url: allowed: valkey://host:port")
        if self.jaeger_url is not None:
            _check_base(self.jaeger_url)
        self._check_login()

    def _check_login(self) -> None:
        if self.login == "none" and not is_loopback(self.host):
            raise ValueError(
                f"login none: the host is {self.host}; allowed: a loopback address such as "
                "127.0.0.1"
            )
        if (self.login == "users") != (self.users_file is not None):
            raise ValueError(
                "users_file: needed with login users, and with no other; `python -m "
                "cardwatch_visualizer new-user` makes what it holds"
            )
        if (self.login == "proxy") != (self.proxy is not None):
            raise ValueError("proxy_networks: needed with login proxy, and with no other")

    def __repr__(self) -> str:
        return f"VisualizerSettings(bootstrap_servers={str(self.bootstrap_servers)!r})"


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_base(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("jaeger_url: allowed: http://host:port or https://host/path")
