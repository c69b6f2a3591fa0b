"""The job killed, frozen and rescaled under load: its alerts stay equal to the reference's.

Each test prints how long the alerts stopped: `pytest -rP` shows it.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.job.feed import Feed, alerts_committed, drain, wait_until
from tests.integration.job.stack import JobStack, running_job

from cardwatch_local.demo.oracle import gather
from cardwatch_local.service import Service

pytestmark = pytest.mark.timeout(1500)

_KILLS = 20
_HEARTBEAT_TIMEOUT_S = 10


@contextmanager
def _load(stack: JobStack) -> Iterator[None]:
    """Send some hundred transactions a second until the end, then wait until all are judged."""
    feed = Feed(stack.bootstrap_servers)
    feed.send_cards()
    drain(stack)
    over = threading.Event()

    def send() -> None:
        while not over.wait(0.2):
            feed.send(60)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        _flows(stack)
        yield
    finally:
        over.set()
        sender.join()
    drain(stack)


def _flows(stack: JobStack) -> float:
    """Wait until new alerts are committed; return for how long. Seconds."""
    began = time.monotonic()
    known = alerts_committed(stack)
    wait_until(lambda: alerts_committed(stack) > known, "a new committed alert", timeout_s=120)
    return time.monotonic() - began


def _runs_with(stack: JobStack, *, parallelism: int) -> None:
    wait_until(
        lambda: stack.cluster.rest.parallelism() == parallelism,
        f"the job with {parallelism} subtasks",
        timeout_s=180,
    )


def _kill(service: Service) -> None:
    assert service.pid is not None
    os.kill(service.pid, signal.SIGKILL)
    wait_until(lambda: not service.is_running, f"the end of {service.name}")
    service.start()


def _check(stack: JobStack) -> None:
    evidence = gather(stack.bootstrap_servers)
    comparison = evidence.check()
    assert comparison is not None
    print(f"{evidence.transactions:,} transactions, {len(evidence.alerts):,} alerts: {comparison}")
    assert comparison.equal, comparison
    assert len(evidence.alerts) > 100


def _say(what: str, gaps_s: list[float]) -> None:
    ordered = sorted(gaps_s)
    middle, worst = ordered[len(ordered) // 2], ordered[-1]
    print(f"{what}: {len(ordered)} times, alerts again after p50 {middle:.1f} s, max {worst:.1f} s")


def test_taskmanagers_killed_twenty_times(tmp_path: Path, fetched_jars: Path) -> None:
    draw = random.Random(1)
    gaps_s = []
    with running_job(tmp_path, fetched_jars, taskmanagers=2) as stack:
        with _load(stack):
            for _ in range(_KILLS):
                _kill(draw.choice(stack.cluster.taskmanagers))
                gaps_s.append(_flows(stack))
        _say("TaskManager killed", gaps_s)
        _check(stack)


def test_the_jobmanager_killed_three_times(tmp_path: Path, fetched_jars: Path) -> None:
    gaps_s = []
    with running_job(tmp_path, fetched_jars, taskmanagers=1) as stack:
        with _load(stack):
            for _ in range(3):
                _kill(stack.cluster.jobmanager)
                gaps_s.append(_flows(stack))
        _say("JobManager killed", gaps_s)
        _check(stack)


def test_a_frozen_taskmanager_that_wakes_up_again(tmp_path: Path, fetched_jars: Path) -> None:
    with running_job(tmp_path, fetched_jars, taskmanagers=2) as stack:
        with _load(stack):
            frozen = stack.cluster.taskmanagers[0]
            assert frozen.pid is not None
            os.kill(frozen.pid, signal.SIGSTOP)
            try:
                gap_s = _flows(stack)
                wait_until(lambda: stack.cluster.rest.taskmanagers() == 1, "the loss to be seen")
            finally:
                os.kill(frozen.pid, signal.SIGCONT)
            _flows(stack)
        _say("TaskManager frozen", [gap_s])
        assert gap_s > _HEARTBEAT_TIMEOUT_S / 2
        _check(stack)


def test_rescaled_from_one_to_two_to_four_and_back(tmp_path: Path, fetched_jars: Path) -> None:
    gaps_s = []
    with running_job(tmp_path, fetched_jars, taskmanagers=4, started=1) as stack:
        _first, *others = stack.cluster.taskmanagers
        with _load(stack):
            others[0].start()
            _runs_with(stack, parallelism=2)
            gaps_s.append(_flows(stack))
            for taskmanager in others[1:]:
                taskmanager.start()
            _runs_with(stack, parallelism=4)
            gaps_s.append(_flows(stack))
            for taskmanager in others:
                taskmanager.begin_stop()
            for taskmanager in others:
                taskmanager.stop()
            _runs_with(stack, parallelism=1)
            gaps_s.append(_flows(stack))
        _say("rescaled", gaps_s)
        _check(stack)
