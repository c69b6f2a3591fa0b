"""Knows when the job has judged all there is and every alert can be read."""

import time
from collections.abc import Callable

from confluent_kafka import TopicPartition

from cardwatch_contracts.topics import (
    ALERTS,
    CARDS,
    FEEDBACK,
    JOB_GROUP,
    REKEYED,
    TRANSACTIONS,
    USER_HABITS,
)
from cardwatch_local.errors import StackError
from cardwatch_local.reading.offsets import OffsetReader, Offsets
from cardwatch_local.reading.topic import read_topic

_INPUTS = (CARDS, FEEDBACK, TRANSACTIONS, USER_HABITS)
_POLL_S = 0.2


class Drain:
    """Compares what the topics hold with what the job's group has committed.

    The job commits its offsets, and then its alerts, with a checkpoint. So the order of the
    questions matters: first whether the inputs are behind the group, then whether anything that
    came of them is still in an open Kafka transaction.
    """

    def __init__(self, bootstrap_servers: str, offsets: OffsetReader) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._offsets = offsets

    def is_complete(self) -> bool:
        """Whether the job has judged every record and committed every alert.

        Raises:
            StackError: The broker did not answer.
        """
        committed = self._offsets.of_group(JOB_GROUP)
        if not _behind(self._offsets.ends(_INPUTS), committed):
            return False
        return self._rekeyed_is_done(committed) and self._is_settled()

    def wait(self, *, timeout_s: float, between: Callable[[], None] = lambda: None) -> None:
        """Return once it is complete; `between` is called while waiting.

        Raises:
            StackError: It is not within `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        while not self.is_complete():
            between()
            if time.monotonic() > deadline:
                raise StackError(
                    f"the job did not judge and commit everything within {timeout_s:.0f} s; "
                    "its log says why: `cardwatch logs --name demo jobmanager`"
                )
            time.sleep(_POLL_S)

    def _rekeyed_is_done(self, committed: Offsets) -> bool:
        """Whether the job has read what it sent again under another key.

        Its ends count the marks of Kafka transactions too, which no consumer gets to see: what is
        left is looked at instead.
        """
        ends = self._offsets.ends([REKEYED])
        if ends != self._offsets.ends([REKEYED], committed=True):
            return False
        left = [
            TopicPartition(topic, number, committed.get((topic, number), 0))
            for (topic, number), end in ends.items()
            if committed.get((topic, number), 0) < end
        ]
        if not left:
            return True
        return next(read_topic(self._bootstrap_servers, REKEYED, start=left), None) is None

    def _is_settled(self) -> bool:
        topics = (ALERTS, REKEYED)
        return self._offsets.ends(topics) == self._offsets.ends(topics, committed=True)


def _behind(ends: Offsets, committed: Offsets) -> bool:
    return all(committed.get(place, 0) >= end for place, end in ends.items())
