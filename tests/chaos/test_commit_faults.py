"""The job stopped between a checkpoint and the commit of its Kafka transactions."""

import shutil
from pathlib import Path

import pytest
from tests.chaos.faults import alerts_again, check, kill, load, say
from tests.chaos.transactions import ABORTED, freeze_before_a_commit, states_of
from tests.integration.job.feed import wait_until
from tests.integration.job.stack import another_jobmanager, running_job

from cardwatch_local.errors import StackError

pytestmark = pytest.mark.timeout(600)

_TIMEOUT_MS = 15_000


def test_killed_between_a_checkpoint_and_its_commit(tmp_path: Path, fetched_jars: Path) -> None:
    gaps_s = []
    with running_job(tmp_path, fetched_jars, taskmanagers=1) as stack:
        jobmanager, (taskmanager,) = stack.cluster.jobmanager, stack.cluster.taskmanagers
        with load(stack):
            for victims in ([taskmanager], [jobmanager, taskmanager], [taskmanager]):
                freeze_before_a_commit(stack)
                kill(*victims)
                for victim in victims:
                    victim.start()
                gaps_s.append(alerts_again(stack))
        say("killed before a commit", gaps_s)
        check(stack)


def test_down_for_longer_than_kafka_keeps_a_transaction(tmp_path: Path, fetched_jars: Path) -> None:
    timeout = ("--transaction-timeout-ms", str(_TIMEOUT_MS))
    with running_job(tmp_path, fetched_jars, taskmanagers=1, arguments=timeout) as stack:
        jobmanager, (taskmanager,) = stack.cluster.jobmanager, stack.cluster.taskmanagers
        with load(stack):
            pending = freeze_before_a_commit(stack)
            kill(jobmanager, taskmanager)
            wait_until(lambda: states_of(stack, pending) == [ABORTED] * len(pending), "the abort")

            jobmanager.start()
            with pytest.raises(StackError, match=r"aborted cardwatch\..* without the checkpoint"):
                jobmanager.wait_ready()

            shutil.rmtree(stack.settings.data_dir / "checkpoints")
            jobmanager.start()
            taskmanager.start()
            alerts_again(stack)
        check(stack, rebuilt=True)


def test_a_second_job_with_the_same_prefix_does_not_start(
    tmp_path: Path, fetched_jars: Path
) -> None:
    with running_job(tmp_path, fetched_jars, taskmanagers=1) as stack:
        with load(stack):
            with (
                another_jobmanager(stack) as other,
                pytest.raises(StackError, match=r"'cardwatch' is in use by .* Stop that job"),
            ):
                other.jobmanager.wait_ready()
            say("a second job refused", [alerts_again(stack)])
        check(stack)
