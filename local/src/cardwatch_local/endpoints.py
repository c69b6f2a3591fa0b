"""Where a running stack can be reached."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Addresses of the servers of one stack, all on 127.0.0.1."""

    bootstrap_servers: str
    """Kafka, `host:port`."""
    valkey_url: str
    """Valkey, `valkey://host:port`."""
    flink_url: str | None = None
    """Flink's REST interface, `http://host:port`; None if the stack runs no job."""
    gateway_url: str = ""
    """The gateway, `http://host:port`."""
    visualizer_url: str = ""
    """The visualizer, `http://host:port`, for a browser."""
    database_url: str | None = None
    """PostgreSQL, `postgresql://user@host:port/database`; None if the stack runs none."""
    database_password_file: str | None = None
    """The file that has its password."""
