"""The Kafka transactions of a checkpoint, and the moment between that and their commit."""

import os
import signal
import struct
import time
from pathlib import Path
from typing import Final

from tests.chaos.faults import alerts_again
from tests.integration.job.stack import JobStack

from cardwatch_contracts.topics import Topic
from cardwatch_job.pending import names_in
from cardwatch_local.checkpoints import newest_checkpoint
from cardwatch_local.reading.topic import key_of, read_topic, value_of

OPEN: Final = 1
ABORTED: Final = 5
"""Two of the states as Kafka numbers them."""
_STATES: Final = Topic(name="__transaction_state", key="transactional id", partitions=4)
_KEY: Final = struct.Struct(">hh")
_VALUE: Final = struct.Struct(">hqhib")
_PREFIX: Final = "cardwatch."


def states_of(stack: JobStack, names: set[str]) -> list[int]:
    """Read the states of transactions from the topic in which Kafka itself keeps them."""
    states: dict[str, int] = {}
    for message in read_topic(stack.bootstrap_servers, _STATES):
        key, value = key_of(message), value_of(message)
        assert key is not None
        _version, length = _KEY.unpack_from(key)
        name = key[_KEY.size : _KEY.size + length].decode()
        if name in names and value is not None:
            *_, states[name] = _VALUE.unpack_from(value)
    return sorted(states.values())


def freeze_before_a_commit(stack: JobStack, timeout_s: float = 90) -> set[str]:
    """Freeze the only TaskManager when a checkpoint is complete and not yet committed.

    Returns:
        The transactions that the checkpoint is to commit.
    """
    pid = stack.cluster.taskmanagers[0].pid
    assert pid is not None
    folder = stack.settings.data_dir / "checkpoints"
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        _await_metadata(folder)
        os.kill(pid, signal.SIGSTOP)
        names = _newest_transactions(folder)
        pending = {name for name in names if states_of(stack, {name}) == [OPEN]}
        if pending:
            return pending
        os.kill(pid, signal.SIGCONT)
        alerts_again(stack)
    raise AssertionError(f"no checkpoint within {timeout_s:.0f} s was frozen before its commit")


def _await_metadata(folder: Path) -> None:
    """Return as soon as the JobManager writes a checkpoint: every subtask has done its part."""
    known = set(folder.glob("*/chk-*/*_metadata*"))
    while not set(folder.glob("*/chk-*/*_metadata*")) - known:
        time.sleep(0.0005)


def _newest_transactions(folder: Path) -> set[str]:
    newest = newest_checkpoint(folder)
    assert newest is not None
    return names_in((newest / "_metadata").read_bytes(), _PREFIX)
