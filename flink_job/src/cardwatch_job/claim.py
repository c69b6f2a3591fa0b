"""Lets one job at a time run with a transactional prefix.

Flink names its Kafka transactions by the prefix, the subtask and the checkpoint. A second job with
the same prefix takes the first one's for what a crash left of its own, and aborts them: alerts are
lost. So a job holds a claim on its prefix while it runs: membership of a consumer group of that
name. Kafka ends it when the holder does, however that ends.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import DETECTOR_CONFIGS
from cardwatch_job.connection import KafkaRefusedError

_SESSION_MS: Final = 6_000
"""How long Kafka waits for a holder that was killed; the shortest a broker allows by default. A
JobManager needs about as long until its next start comes here."""
_HEARTBEAT_MS: Final = 1_500
_POLL_S: Final = 0.5
_JOIN_TIMEOUT_S: Final = 30.0
_REQUEST_TIMEOUT_S: Final = 10.0


class PrefixClaimedError(Exception):
    """Another job that runs holds the prefix; the text says which and what to do."""


@contextmanager
def claimed(kafka: Kafka, prefix: str) -> Iterator[None]:
    """Hold the transactional prefix `prefix` within the block.

    Waits for a holder that was killed until Kafka misses it, six seconds.

    Raises:
        PrefixClaimedError: A job that runs has it.
        KafkaRefusedError: Kafka does not let the job's user into the group.
        TimeoutError: Kafka did not answer.
    """
    claim = _Claim(kafka, prefix)
    try:
        claim.join()
        others = claim.others()
        if others:
            raise PrefixClaimedError(_refusal(prefix, claim.group, others))
        claim.hold()
        yield
    finally:
        claim.release()


class _Claim:
    """One member of the prefix's group.

    It joins before it looks: a group lets nobody in until every member that lives has said so and
    the dead ones are out. Two that come at once see each other, and both give way.
    """

    def __init__(self, kafka: Kafka, prefix: str) -> None:
        self.group = f"cardwatch-claim-{prefix}"
        self._kafka = kafka
        self._errors = ClientErrors()
        self._joined = False
        self._over = threading.Event()
        self._holder = threading.Thread(target=self._stay, name=self.group, daemon=True)
        self._consumer = Consumer(
            {
                **client_properties(kafka),
                "group.id": self.group,
                "client.id": f"{socket.gethostname()} process {os.getpid()}",
                "session.timeout.ms": _SESSION_MS,
                "heartbeat.interval.ms": _HEARTBEAT_MS,
                "enable.auto.commit": False,
                "log_level": 0,
                "error_cb": self._errors,
            }
        )

    def join(self) -> None:
        """Return once the group has let this member in."""
        self._consumer.subscribe([DETECTOR_CONFIGS.name], on_assign=self._let_in)
        deadline = time.monotonic() + _JOIN_TIMEOUT_S
        while not self._joined:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Kafka at {self._kafka} did not let this job into the consumer group "
                    f"{self.group} within {_JOIN_TIMEOUT_S:.0f} s: {self._errors.cause()}"
                )
            message = self._consumer.poll(0.1)
            if message is not None and (error := message.error()) is not None:
                self._errors(error)
            if self._errors.refusal:
                raise KafkaRefusedError(
                    f"Kafka at {self._kafka}, consumer group {self.group}: {self._errors.refusal}"
                )

    def others(self) -> list[str]:
        """Return who else is in the group: host, process and address."""
        admin = AdminClient({**client_properties(self._kafka), "log_level": 0})
        try:
            answer = admin.describe_consumer_groups(
                [self.group], request_timeout=_REQUEST_TIMEOUT_S
            )[self.group].result(_REQUEST_TIMEOUT_S + 1)
        except KafkaException as error:
            raise TimeoutError(f"Kafka did not tell who is in {self.group}: {error}") from error
        return [
            f"{member.client_id} at {member.host.lstrip('/')}"
            for member in answer.members
            if member.member_id != self._consumer.memberid()
        ]

    def hold(self) -> None:
        """Stay in the group until `release`."""
        self._holder.start()

    def release(self) -> None:
        """Leave the group."""
        self._over.set()
        if self._holder.is_alive():
            self._holder.join()
        self._consumer.close()

    def _let_in(self, consumer: Consumer, _partitions: Sequence[TopicPartition]) -> None:
        consumer.assign([])  # nothing is to be read
        self._joined = True

    def _stay(self) -> None:
        while not self._over.wait(_POLL_S):
            self._consumer.poll(0)


def _refusal(prefix: str, group: str, others: Sequence[Any]) -> str:
    return (
        f"the transactional prefix {prefix!r} is in use by {', '.join(others)}, a member of the "
        f"consumer group {group}: two jobs with one prefix abort each other's Kafka transactions "
        "and lose alerts. Stop that job, or give this one a prefix of its own with "
        "--transactional-id-prefix"
    )
