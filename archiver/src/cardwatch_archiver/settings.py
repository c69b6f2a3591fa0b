"""What can be set for the archiver, from the command line or the environment."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cardwatch_contracts.kafka_settings import Kafka, KafkaSettingsError, kafka_at
from cardwatch_contracts.topics import CARD_PROFILES


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiverSettings:
    """Where the archiver reads and writes, and how patient it is."""

    bootstrap_servers: Kafka
    """Kafka brokers, `host:port` with commas between, and how they are spoken to."""
    valkey_url: str
    """Such as `valkey://127.0.0.1:6379`; may hold a password and is therefore never logged."""
    topic: str = CARD_PROFILES.name
    """The compacted topic of card profiles."""
    batch_size: int = 1_000
    """Most profiles written in one transaction of Valkey. > 0."""
    batch_wait_s: float = 0.05
    """How long a batch may fill before it is written. Seconds, > 0."""
    check_interval_s: float = 1.0
    """How often an idle archiver looks whether Valkey was flushed. Seconds, > 0."""
    topic_check_interval_s: float = 10.0
    """How often it looks whether the topic was removed or made anew. Seconds, > 0."""
    valkey_timeout_s: float = 0.75
    """Longest wait for one answer of Valkey; a stop takes twice that at most. Seconds, > 0."""
    max_backoff_s: float = 2.0
    """Longest pause between attempts while Valkey is away. Seconds, > 0."""
    kafka_start_timeout_s: float = 60.0
    """How long Kafka or the topic may be missing at the start. Seconds, > 0."""

    metrics_port: int | None = None
    """Where Prometheus reads; None: nowhere."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, int | float) and value <= 0:
                raise ValueError(f"{name}: {value}; allowed: above 0")
            if value == "":
                raise ValueError(f"{name}: empty; allowed: an address or a name")

    def __repr__(self) -> str:
        servers = str(self.bootstrap_servers)
        return f"ArchiverSettings(bootstrap_servers={servers!r}, topic={self.topic!r})"


def parse_settings(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> ArchiverSettings:
    """Read the command line; the environment fills what it leaves out.

    How Kafka is spoken to is in the environment alone. A bad argument or variable ends the process
    with status 2 and a message, as argparse does.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cardwatch_archiver",
        description="Keeps the newest profile of every card in Valkey.",
    )
    parser.add_argument(
        "--bootstrap-servers",
        default=environment.get("CARDWATCH_BOOTSTRAP_SERVERS"),
        help="Kafka brokers, host:port (or CARDWATCH_BOOTSTRAP_SERVERS)",
    )
    parser.add_argument(
        "--valkey-url",
        default=environment.get("CARDWATCH_VALKEY_URL"),
        help="such as valkey://127.0.0.1:6379 (or CARDWATCH_VALKEY_URL)",
    )
    parser.add_argument(
        "--topic", default=CARD_PROFILES.name, help="compacted topic of profiles (%(default)s)"
    )
    parser.add_argument(
        "--metrics-port",
        type=int,
        default=environment.get("CARDWATCH_METRICS_PORT") or None,
        help="serve metrics for Prometheus there (or CARDWATCH_METRICS_PORT); else nowhere",
    )
    parsed = parser.parse_args(arguments)
    if parsed.metrics_port is not None and not 0 < parsed.metrics_port < 65_536:
        parser.error("--metrics-port: allowed: 1 to 65535")
    for name in ("bootstrap_servers", "valkey_url", "topic"):
        if not getattr(parsed, name):
            parser.error(f"--{name.replace('_', '-')} is needed")
    if not parsed.valkey_url.startswith(("valkey://", "valkeys://", "unix://")):
        parser.error("--valkey-url: allowed: valkey://, valkeys:// or unix://")
    try:
        kafka = kafka_at(parsed.bootstrap_servers, environment)
    except KafkaSettingsError as error:
        parser.error(str(error))
    return ArchiverSettings(
        bootstrap_servers=kafka,
        valkey_url=parsed.valkey_url,
        topic=parsed.topic,
        metrics_port=parsed.metrics_port,
    )
