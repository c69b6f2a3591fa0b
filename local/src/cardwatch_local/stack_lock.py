"""One process at a time holds a stack."""

import fcntl
import os
from pathlib import Path
from typing import Final

from cardwatch_local.errors import StackError

_LOCK_NAME: Final = "lock"


class StackLock:
    """An exclusive lock on a stack's folder, which the system releases when its holder ends."""

    def __init__(self, stack_dir: Path) -> None:
        """Lock `stack_dir`; nothing happens before `acquire`."""
        self._stack_dir = stack_dir
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StackError: Another process holds it; the text says which.
        """
        self._stack_dir.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._stack_dir / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read_pid(fd)
            os.close(fd)
            raise running_already(self._stack_dir.name, holder) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._fd = fd

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    def release(self) -> None:
        """Give the lock back. Safe to repeat."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def running_already(name: str, holder: int) -> StackError:
    """Say which process holds the stack `name`, and how to stop it."""
    return StackError(
        f"stack `{name}` is running already, held by process {holder}: "
        f"use it, or stop it with `cardwatch down --name {name}`"
    )


def lock_holder(stack_dir: Path) -> int | None:
    """Return the pid of the process that holds the stack in `stack_dir`, None if none does."""
    try:
        fd = os.open(stack_dir / _LOCK_NAME, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_pid(fd)
    finally:
        os.close(fd)
    return None


def _read_pid(fd: int) -> int:
    written = os.pread(fd, 32, 0)
    return int(written) if written.isdigit() else -1  # taken this moment, not written yet
