"""What can be set on the job's command line."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cardwatch_contracts.kafka_settings import Kafka, kafka_at
from cardwatch_contracts.topics import TRANSACTIONS

_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_LONGEST_TRANSACTION_MS: Final = 2**31 - 1
Delivery = Literal["exactly-once", "at-least-once"]


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """Everything the job needs to know of its surroundings."""

    bootstrap_servers: Kafka
    """Kafka's addresses, `host:port` separated by commas, and how it is spoken to."""

    checkpoint_interval_ms: int = 1000
    """Time between checkpoints, 100 ms to 10 min: how long an alert waits until a consumer that
    reads committed sees it."""

    delivery: Delivery = "exactly-once"
    """`exactly-once`: a consumer that reads committed sees each alert once, after the checkpoint.
    `at-least-once`: every consumer sees an alert at once, and after a failure some twice, under
    the same alert id."""

    transactional_id_prefix: str = "cardwatch"
    """Begins the ids of the sink's Kafka transactions; jobs that share a Kafka differ in it.
    1 to 200 of letters, digits, `_` and `-`."""

    transaction_timeout_ms: int = TRANSACTIONS.retention_ms
    """How long Kafka keeps an open transaction of a job that is down: as long as the transactions
    it would go on with. At most the broker's `transaction.max.timeout.ms`. A job that never comes
    back makes those who read committed wait as long; one start with its prefix ends that."""

    out_of_orderness_ms: int = 0
    """How much of event time a transaction waits for earlier ones of its user that come late.
    Adds to the latency. 0: each is judged as it comes."""

    batch_delay_ms: int = 20
    """Longest wait until a record's batch is sent to Python. Adds to the latency; a longer wait
    makes larger batches, which cost less. A job that is behind waits longer by itself: a tenth of
    the records' age, at most 200 ms."""

    batch_bytes: int = 128 * 1024
    """Transactions in a batch that is sent at once. Bytes."""

    def __post_init__(self) -> None:
        if self.delivery not in get_args(Delivery):
            raise ValueError(
                f"--delivery is {self.delivery}: allowed are {', '.join(get_args(Delivery))}"
            )
        if not _PREFIX.fullmatch(self.transactional_id_prefix):
            raise ValueError(
                f"--transactional-id-prefix is {self.transactional_id_prefix!r}: 1 to 200 of "
                "letters, digits, _ and -"
            )
        if not 100 <= self.checkpoint_interval_ms <= 600_000:
            raise ValueError(
                f"--checkpoint-interval-ms is {self.checkpoint_interval_ms}: 100 to 600000"
            )
        if not self.checkpoint_interval_ms < self.transaction_timeout_ms <= _LONGEST_TRANSACTION_MS:
            raise ValueError(
                f"--transaction-timeout-ms is {self.transaction_timeout_ms}: above the checkpoint "
                f"interval of {self.checkpoint_interval_ms}, at most {_LONGEST_TRANSACTION_MS}"
            )
        if not 0 <= self.out_of_orderness_ms <= 3_600_000:
            raise ValueError(f"--out-of-orderness-ms is {self.out_of_orderness_ms}: 0 to 3600000")
        if not 1 <= self.batch_delay_ms <= 10_000:
            raise ValueError(f"--batch-delay-ms is {self.batch_delay_ms}: 1 to 10000")
        if not 1024 <= self.batch_bytes <= 16_777_216:
            raise ValueError(f"--batch-bytes is {self.batch_bytes}: 1024 to 16777216")

    @property
    def sink_prefix(self) -> str:
        """The prefix as the sink gets it.

        After a crash the sink takes every transaction whose name begins so for its own; the dot,
        which no prefix has, keeps `cardwatch` from taking those of `cardwatch-demo`.
        """
        return f"{self.transactional_id_prefix}."

    @classmethod
    def from_args(
        cls, args: Sequence[str], environment: Mapping[str, str] = os.environ
    ) -> "JobSettings":
        """Read the command line and how Kafka is spoken to from the environment.

        A bad value ends the process with a sentence.
        """
        parser = argparse.ArgumentParser(prog="cardwatch_job", allow_abbrev=False)
        parser.add_argument("--bootstrap-servers", required=True)
        parser.add_argument("--transactional-id-prefix", default=cls.transactional_id_prefix)
        parser.add_argument("--delivery", default=cls.delivery)
        for name in (
            "checkpoint_interval_ms",
            "transaction_timeout_ms",
            "out_of_orderness_ms",
            "batch_delay_ms",
            "batch_bytes",
        ):
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, type=int, default=getattr(cls, name))
        try:
            given = vars(parser.parse_args(args))
            servers = kafka_at(given.pop("bootstrap_servers"), environment)
            return cls(bootstrap_servers=servers, **given)
        except ValueError as error:
            parser.error(str(error))
