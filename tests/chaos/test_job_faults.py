"""The job killed, frozen and rescaled under load: its alerts stay equal to the reference's.

All on one cluster, one after the other: each compares all that was sent so far. Each prints how
long the alerts stopped: `pytest -rP` shows it.
"""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.faults import Load, alerts_again, check, kill, run_on, say
from tests.chaos.transactions import freeze_before_a_commit
from tests.integration.job.feed import wait_until
from tests.integration.job.stack import another_jobmanager, running_job

from cardwatch_local.errors import StackError

pytestmark = pytest.mark.timeout(1200)

_KILLS = 20
_HEARTBEAT_TIMEOUT_S = 10


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path) -> Iterator[Load]:
    """Load for a job on up to four TaskManagers."""
    home = tmp_path_factory.mktemp("job-faults")
    with running_job(home, fetched_jars, taskmanagers=4, started=1) as stack:
        yield Load(stack)


def test_a_frozen_taskmanager_that_wakes_up_again(load: Load) -> None:
    with load.on(taskmanagers=2) as stack:
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


def test_taskmanagers_killed_twenty_times(load: Load) -> None:
    draw = random.Random(1)
    gaps_s = []
    with load.on(taskmanagers=2) as stack:
        for _ in range(_KILLS):
            victim = draw.choice(stack.cluster.taskmanagers[:2])
            kill(victim)
            victim.start()
            gaps_s.append(alerts_again(stack))
    say("TaskManager killed", gaps_s)
    check(stack)


def test_rescaled_from_one_to_two_to_four_and_back(load: Load) -> None:
    gaps_s = []
    with load.on(taskmanagers=1) as stack:
        for taskmanagers in (2, 4, 1):
            run_on(stack, taskmanagers)
            gaps_s.append(alerts_again(stack))
    say("rescaled", gaps_s)
    check(stack)


def test_a_second_job_with_the_same_prefix_does_not_start(load: Load) -> None:
    with load.on(taskmanagers=1) as stack:
        with (
            another_jobmanager(stack) as other,
            pytest.raises(StackError, match=r"'cardwatch' is in use by .* Stop that job"),
        ):
            other.jobmanager.wait_ready()
        say("second job refused", [alerts_again(stack)])
    check(stack)


def test_killed_between_a_checkpoint_and_its_commit(load: Load) -> None:
    gaps_s = []
    with load.on(taskmanagers=1) as stack:
        jobmanager, taskmanager = stack.cluster.jobmanager, stack.cluster.taskmanagers[0]
        for victims in ([taskmanager], [jobmanager, taskmanager], [taskmanager]):
            freeze_before_a_commit(stack)
            kill(*victims)
            for victim in victims:
                victim.start()
            gaps_s.append(alerts_again(stack))
    say("killed before a commit", gaps_s)
    check(stack)


def test_the_jobmanager_killed_three_times(load: Load) -> None:
    gaps_s = []
    with load.on(taskmanagers=1) as stack:
        for _ in range(3):
            kill(stack.cluster.jobmanager)
            stack.cluster.jobmanager.start()
            gaps_s.append(alerts_again(stack))
    say("JobManager killed", gaps_s)
    check(stack)
