"""Ends what a crashed stack left running."""

from pathlib import Path
from typing import Final

import psutil

from cardwatch_local.errors import StackError
from cardwatch_local.settings import STACK_VARIABLE

_KILL_TIMEOUT_S: Final = 10.0


def end_leftovers(stack_dir: Path) -> int:
    """Kill every process of the stack in `stack_dir`; return how many there were.

    To be called by the holder of the stack's lock before it starts anything. Guardians end their
    services when their owner dies, so there is something to do only if a guardian was killed too,
    or is at it this moment.

    Raises:
        StackError: A process survives.
    """
    mark = str(stack_dir.absolute())
    found = [process for process in psutil.process_iter() if _mark_of(process) == mark]
    for process in found:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(found, timeout=_KILL_TIMEOUT_S)
    if alive:
        pids = ", ".join(str(process.pid) for process in alive)
        raise StackError(f"processes of an earlier run in {stack_dir} do not end: kill {pids}")
    return len(found)


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(STACK_VARIABLE)
    except (psutil.Error, OSError):  # another user's, or gone
        return None
