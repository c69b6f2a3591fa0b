import os
import subprocess
import sys
from pathlib import Path

import pytest

from cardwatch_local.errors import StackError
from cardwatch_local.stack_lock import StackLock, lock_holder

HOLDER = """
import sys, time
from pathlib import Path
from cardwatch_local.stack_lock import StackLock
lock = StackLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_a_stack_held_elsewhere_is_refused_with_the_holder(tmp_path: Path) -> None:
    stack_dir = tmp_path / "demo"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(stack_dir)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert lock_holder(stack_dir) == holder.pid
        with pytest.raises(StackError, match=rf"stack `demo`.*held by process {holder.pid}:"):
            StackLock(stack_dir).acquire()
        holder.kill()
    assert lock_holder(stack_dir) is None
    lock = StackLock(stack_dir)
    lock.acquire()
    assert lock.is_held
    lock.release()


def test_a_released_stack_is_free_and_the_holder_forgotten(tmp_path: Path) -> None:
    lock = StackLock(tmp_path)
    lock.acquire()
    assert lock_holder(tmp_path) == os.getpid()
    lock.release()
    lock.release()
    assert lock_holder(tmp_path) is None
    assert not lock.is_held


def test_a_stack_that_never_was_has_no_holder(tmp_path: Path) -> None:
    assert lock_holder(tmp_path / "none") is None
