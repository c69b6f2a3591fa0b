"""The job down for so long that Kafka aborts what its checkpoint was to commit."""

import shutil
from pathlib import Path

import pytest
from tests.chaos.faults import Load, alerts_again, check, kill
from tests.chaos.transactions import ABORTED, freeze_before_a_commit, states_of
from tests.integration.job.feed import wait_until
from tests.integration.job.stack import running_job

from cardwatch_local.errors import StackError

_TIMEOUT_MS = 15_000


def test_down_for_longer_than_kafka_keeps_a_transaction(tmp_path: Path, fetched_jars: Path) -> None:
    timeout = ("--transaction-timeout-ms", str(_TIMEOUT_MS))
    with running_job(tmp_path, fetched_jars, taskmanagers=1, arguments=timeout) as stack:
        jobmanager, (taskmanager,) = stack.cluster.jobmanager, stack.cluster.taskmanagers
        with Load(stack).on(taskmanagers=1):
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
