"""The job killed, frozen and rescaled under load: its alerts stay equal to the reference's.

Each test prints how long the alerts stopped: `pytest -rP` shows it.
"""

import os
import random
import signal
from pathlib import Path

import pytest
from tests.chaos.faults import alerts_again, check, kill, load, runs_with, say
from tests.integration.job.feed import wait_until
from tests.integration.job.stack import running_job

pytestmark = pytest.mark.timeout(1500)

_KILLS = 20
_HEARTBEAT_TIMEOUT_S = 10


def test_taskmanagers_killed_twenty_times(tmp_path: Path, fetched_jars: Path) -> None:
    draw = random.Random(1)
    gaps_s = []
    with running_job(tmp_path, fetched_jars, taskmanagers=2) as stack:
        with load(stack):
            for _ in range(_KILLS):
                victim = draw.choice(stack.cluster.taskmanagers)
                kill(victim)
                victim.start()
                gaps_s.append(alerts_again(stack))
        say("TaskManager killed", gaps_s)
        check(stack)


def test_the_jobmanager_killed_three_times(tmp_path: Path, fetched_jars: Path) -> None:
    gaps_s = []
    with running_job(tmp_path, fetched_jars, taskmanagers=1) as stack:
        with load(stack):
            for _ in range(3):
                kill(stack.cluster.jobmanager)
                stack.cluster.jobmanager.start()
                gaps_s.append(alerts_again(stack))
        say("JobManager killed", gaps_s)
        check(stack)


def test_a_frozen_taskmanager_that_wakes_up_again(tmp_path: Path, fetched_jars: Path) -> None:
    with running_job(tmp_path, fetched_jars, taskmanagers=2) as stack:
        with load(stack):
            frozen = stack.cluster.taskmanagers[0]
            assert frozen.pid is not None
            os.kill(frozen.pid, signal.SIGSTOP)
            try:
                gap_s = alerts_again(stack)
                wait_until(lambda: stack.cluster.rest.taskmanagers() == 1, "the loss to be seen")
            finally:
                os.kill(frozen.pid, signal.SIGCONT)
            alerts_again(stack)
        say("TaskManager frozen", [gap_s])
        assert gap_s > _HEARTBEAT_TIMEOUT_S / 2
        check(stack)


def test_rescaled_from_one_to_two_to_four_and_back(tmp_path: Path, fetched_jars: Path) -> None:
    gaps_s = []
    with running_job(tmp_path, fetched_jars, taskmanagers=4, started=1) as stack:
        _first, *others = stack.cluster.taskmanagers
        with load(stack):
            others[0].start()
            runs_with(stack, parallelism=2)
            gaps_s.append(alerts_again(stack))
            for taskmanager in others[1:]:
                taskmanager.start()
            runs_with(stack, parallelism=4)
            gaps_s.append(alerts_again(stack))
            for taskmanager in others:
                taskmanager.begin_stop()
            for taskmanager in others:
                taskmanager.stop()
            runs_with(stack, parallelism=1)
            gaps_s.append(alerts_again(stack))
        say("rescaled", gaps_s)
        check(stack)
