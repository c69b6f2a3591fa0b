"""What the chaos tests do to a job under load, and how they look at what came of it."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import TopicPartition
from tests.integration.job.feed import Broker, Draws, Feed, drain, wait_until
from tests.integration.job.stack import JobStack

from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.topics import ALERTS
from cardwatch_local.demo.oracle import gather
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import follow_topic, value_of
from cardwatch_local.service import Service

_EVERY_S = 0.2
_TRANSACTIONS = 60
SILENCE = 0.00005
"""Seldom enough for half a million transactions."""


class Load:
    """Sends transactions to a job while something is done to it."""

    def __init__(self, stack: JobStack) -> None:
        """Send the cards and wait until the job knows them."""
        self.stack = stack
        self._feed = Feed(stack.bootstrap_servers, Draws(silence=SILENCE))
        self._feed.send_cards()
        drain(stack)

    @contextmanager
    def on(self, *, taskmanagers: int) -> Iterator[JobStack]:
        """Send 300 transactions a second to so many TaskManagers; at the end all are judged."""
        run_on(self.stack, taskmanagers)
        with sending(self._feed):
            alerts_again(self.stack)
            yield self.stack
        drain(self.stack)


@contextmanager
def sending(feed: Feed) -> Iterator[None]:
    """Send 300 transactions a second while the block lasts."""
    over = threading.Event()

    def send() -> None:
        while not over.wait(_EVERY_S):
            feed.send(_TRANSACTIONS)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


def alerts_again(stack: Broker, timeout_s: float = 120) -> float:
    """Wait until an alert of a transaction sent from now on is committed.

    Returns:
        For how long. Seconds.
    """
    began_ms = time.time_ns() // 1_000_000
    deadline = time.monotonic() + timeout_s
    ends = OffsetReader(stack.bootstrap_servers).ends([ALERTS], committed=True)
    new = follow_topic(
        stack.bootstrap_servers,
        ALERTS,
        start=[TopicPartition(topic, number, end) for (topic, number), end in ends.items()],
        stopped=lambda: time.monotonic() > deadline,
    )
    for message in new:
        if decode_alert(value_of(message)).ingested_at >= began_ms:
            return time.time_ns() / 1e9 - began_ms / 1000
    raise AssertionError(f"no alert of a new transaction was committed within {timeout_s:.0f} s")


def run_on(stack: JobStack, taskmanagers: int) -> None:
    """Start and stop TaskManagers until so many run, and the job on them."""
    wanted, superfluous = (
        stack.cluster.taskmanagers[:taskmanagers],
        stack.cluster.taskmanagers[taskmanagers:],
    )
    for taskmanager in superfluous:
        taskmanager.begin_stop()
    for taskmanager in superfluous:
        taskmanager.stop()
    for taskmanager in wanted:
        if not taskmanager.is_running:
            taskmanager.start()
    wait_until(
        lambda: stack.cluster.rest.parallelism() == taskmanagers,
        f"the job on {taskmanagers} TaskManagers",
        timeout_s=180,
    )


def kill(*services: Service) -> None:
    """Kill servers with SIGKILL; return when they are gone."""
    for service in services:
        assert service.pid is not None
        os.kill(service.pid, signal.SIGKILL)
    names = ", ".join(service.name for service in services)
    wait_until(lambda: not any(service.is_running for service in services), f"the end of {names}")


def check(stack: Broker, *, rebuilt: bool = False) -> None:
    """Hold the alerts against the reference's: none lost, none twice, none different.

    `rebuilt`: they were written anew from the retained input, so there are copies.
    """
    evidence = gather(stack.bootstrap_servers)
    comparison = evidence.check()
    assert comparison is not None
    print(
        f"{evidence.transactions:,} transactions, {len(evidence.alerts):,} alerts: "
        f"{len(comparison.lost)} lost, {len(comparison.duplicate)} duplicate, "
        f"{len(comparison.different)} different"
    )
    assert not comparison.lost, comparison.lost
    assert not comparison.different, comparison.different
    assert bool(comparison.duplicate) == rebuilt, comparison.duplicate
    assert len(evidence.alerts) > 100


def say(what: str, gaps_s: Sequence[float]) -> None:
    """Print how long the alerts stopped."""
    ordered = sorted(gaps_s)
    middle, worst = ordered[len(ordered) // 2], ordered[-1]
    print(f"{what}: {len(ordered)} times, alerts again after p50 {middle:.1f} s, max {worst:.1f} s")
