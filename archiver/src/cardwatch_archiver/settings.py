"""What can be set for the archiver, from the command line or the environment."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cardwatch_archiver.retention import MAX_RETENTION_DAYS, Retention
from cardwatch_contracts.database_settings import (
    PASSWORD_FILE,
    URL,
    Database,
    DatabaseSettingsError,
    database_at,
)
from cardwatch_contracts.kafka_settings import Kafka, KafkaSettingsError, kafka_at
from cardwatch_contracts.topics import CARD_PROFILES

RETENTION_VARIABLE = "CARDWATCH_RETENTION_DAYS"


def _require_above_zero(settings: object, names: Sequence[str]) -> None:
    for name in names:
        value = getattr(settings, name)
        if isinstance(value, int | float) and value is not False and value <= 0:
            raise ValueError(f"{name}: {value}; allowed: above 0")
        if value == "":
            raise ValueError(f"{name}: empty; allowed: an address or a name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is written at once, and how patient the writer is."""

    batch_size: int = 1_000
    """Most records written in one transaction of the store. > 0."""
    batch_wait_s: float = 0.05
    """How long a batch may fill before it is written. Seconds, > 0."""
    check_interval_s: float = 1.0
    """How often an idle writer looks whether the store is where it was left. Seconds, > 0."""
    topic_check_interval_s: float = 10.0
    """How often it looks whether the topic was removed or made anew. Seconds, > 0."""
    checks_each_batch: bool = False
    """Whether it looks so before each batch, too: the consumer goes on in a topic that was made
    anew, and what is read there would be written as the former topic's, and then again."""
    max_backoff_s: float = 2.0
    """Longest pause between attempts while the store is away. Seconds, > 0."""

    def __post_init__(self) -> None:
        _require_above_zero(self, self.__slots__)


def _database_pace() -> Pace:
    return Pace(batch_size=5_000, batch_wait_s=0.25, check_interval_s=5.0, checks_each_batch=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiverSettings:
    """Where the archiver reads and writes, and how patient it is."""

    bootstrap_servers: Kafka
    """Kafka brokers, `host:port` with commas between, and how they are spoken to."""
    valkey_url: str | None = None
    """Such as `valkey://127.0.0.1:6379`; may hold a password and is therefore never logged. None:
    card profiles are written nowhere."""
    topic: str = CARD_PROFILES.name
    """The compacted topic of card profiles."""
    profiles_pace: Pace = field(default_factory=Pace)
    """How card profiles are written."""
    valkey_timeout_s: float = 0.75
    """Longest wait for one answer of Valkey; a stop takes twice that at most. Seconds, > 0."""
    database: Database | None = None
    """The archive's PostgreSQL. None: there is no archive."""
    database_pace: Pace = field(default_factory=_database_pace)
    """How the archive is written."""
    database_timeout_s: float = 10.0
    """Longest time for one transaction of PostgreSQL. Seconds, > 0."""
    retention: Retention = field(default_factory=Retention)
    """Which days the archive keeps."""
    kafka_start_timeout_s: float = 60.0
    """How long Kafka or a topic may be missing at the start. Seconds, > 0."""
    metrics_port: int | None = None
    """Where Prometheus reads; None: nowhere."""

    def __post_init__(self) -> None:
        if self.valkey_url is None and self.database is None:
            raise ValueError("valkey_url and database: both missing; allowed: one of them, or both")
        _require_above_zero(self, self.__slots__)

    def __repr__(self) -> str:
        servers = str(self.bootstrap_servers)
        database = self.database and str(self.database)
        return (
            f"ArchiverSettings(bootstrap_servers={servers!r}, topic={self.topic!r}, "
            f"database={database!r})"
        )


def parse_settings(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> ArchiverSettings:
    """Read the command line; the environment fills what it leaves out.

    How Kafka is spoken to, and passwords, are in the environment alone. A bad argument or variable
    ends the process with status 2 and a message, as argparse does.
    """
    parser = _parser(environment)
    parsed = parser.parse_args(arguments)
    if parsed.metrics_port is not None and not 0 < parsed.metrics_port < 65_536:
        parser.error("--metrics-port: allowed: 1 to 65535")
    for name in ("bootstrap_servers", "topic"):
        if not getattr(parsed, name):
            parser.error(f"--{name.replace('_', '-')} is needed")
    valkey_url = parsed.valkey_url or environment.get("CARDWATCH_VALKEY_URL")
    database_url = parsed.database_url or environment.get(URL)
    if not valkey_url and not database_url:
        parser.error("--valkey-url or --database-url is needed, or both")
    if valkey_url and not valkey_url.startswith(("valkey://", "valkeys://", "unix://")):
        parser.error("--valkey-url: allowed: valkey://, valkeys:// or unix://")
    try:
        database = database_url and database_at(
            database_url, environment, from_command_line=bool(parsed.database_url)
        )
        return ArchiverSettings(
            bootstrap_servers=kafka_at(parsed.bootstrap_servers, environment),
            valkey_url=valkey_url or None,
            topic=parsed.topic,
            database=database or None,
            database_timeout_s=parsed.database_timeout_s,
            retention=Retention(kept_days=parsed.retention_days),
            metrics_port=parsed.metrics_port,
        )
    except (KafkaSettingsError, DatabaseSettingsError, ValueError) as error:
        parser.error(str(error))


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    # What may hold a password is no default here: help would show it.
    parser = argparse.ArgumentParser(
        prog="python -m cardwatch_archiver",
        description="Keeps the newest profile of every card in Valkey, and transactions, alerts, "
        "their sums and what analysts say of them in PostgreSQL.",
    )
    parser.add_argument(
        "--bootstrap-servers",
        default=environment.get("CARDWATCH_BOOTSTRAP_SERVERS"),
        help="Kafka brokers, host:port (or CARDWATCH_BOOTSTRAP_SERVERS)",
    )
    parser.add_argument(
        "--valkey-url",
        help="such as valkey://127.0.0.1:6379 (or CARDWATCH_VALKEY_URL); left out: no profiles",
    )
    parser.add_argument(
        "--topic", default=CARD_PROFILES.name, help="compacted topic of profiles (%(default)s)"
    )
    parser.add_argument(
        "--database-url",
        help="such as postgresql://cardwatch@127.0.0.1:5432/cardwatch, without a password "
        f"(or {URL}); the password is in the file that {PASSWORD_FILE} names; left out: no archive",
    )
    parser.add_argument(
        "--database-timeout-s",
        type=float,
        default=10.0,
        help="longest time for one transaction of PostgreSQL (%(default)s)",
    )
    parser.add_argument(
        "--retention-days",
        type=int,
        default=environment.get(RETENTION_VARIABLE) or Retention().kept_days,
        help=f"days the archive keeps, 1 to {MAX_RETENTION_DAYS} (%(default)s; "
        f"or {RETENTION_VARIABLE})",
    )
    parser.add_argument(
        "--metrics-port",
        type=int,
        default=environment.get("CARDWATCH_METRICS_PORT") or None,
        help="serve metrics for Prometheus there (or CARDWATCH_METRICS_PORT); else nowhere",
    )
    return parser
