"""Keeps one service alive no longer than the process that wants it.

Run as a script by `cardwatch_local.service`, with the standard library alone:

    guardian.py LEASE_FD REPORT_FD GRACE_S STOP_SIGNAL COMMAND...

LEASE_FD is the read end of a pipe whose write end only the owner holds. However the owner ends,
kill -9 included, the pipe reaches its end; the guardian then stops the service's process group:
STOP_SIGNAL, GRACE_S seconds, SIGKILL. If the service ends first, what it left in its group is
killed and the guardian exits with the service's status (128 + signal for a signal, as shells do).
REPORT_FD receives one line: the service's pid, or `error: ...` when it cannot be started.

On Linux a guardian that is itself killed takes the service down too (PR_SET_PDEATHSIG).
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
STRAGGLERS_S = 2.0
"""How long the rest of a group may outlive its leader."""


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _die_with(guardian_pid: int) -> Callable[[], None]:
    """Return what the child runs between fork and exec."""

    def before_exec() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guardian_pid:  # the guardian died before the line above
            os._exit(1)

    return before_exec


def _signal_group(group: int, number: int) -> bool:
    """Send signal `number` to `group`; return whether anybody was there to get it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so for a group of zombies
        return False
    return True


class _Guard:
    """Watches one service. Single-threaded: PDEATHSIG is bound to the thread that forked."""

    def __init__(
        self, *, lease_fd: int, wake_fd: int, grace_s: float, stop_signal: int, child: int
    ) -> None:
        self._lease_fd = lease_fd
        self._wake_fd = wake_fd
        self._grace_s = grace_s
        self._stop_signal = stop_signal
        self._child = child
        self._stop_asked = False
        self.exit_code: int | None = None

    def ask_to_stop(self, *_signal: object) -> None:
        """SIGTERM to the guardian is a wish to end the service in order."""
        self._stop_asked = True

    def watch(self) -> None:
        """Return once the service and everything in its group are gone."""
        while self.exit_code is None and not self._stop_asked:
            if self._wait(None):
                self._stop_asked = True
        if self._stop_asked:
            _signal_group(self._child, self._stop_signal)
            self._wait_until(lambda: self.exit_code is not None, self._grace_s)
            self._wait_until(lambda: not _signal_group(self._child, 0), STRAGGLERS_S)
        if _signal_group(self._child, signal.SIGKILL):
            self._wait_until(lambda: not _signal_group(self._child, 0), STRAGGLERS_S)

    def _wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self._reap()
        while not condition() and (left := deadline - time.monotonic()) > 0:
            self._wait(min(left, 0.1), lease=False)

    def _wait(self, seconds: float | None, *, lease: bool = True) -> bool:
        """Sleep until a signal, the end of the lease or `seconds`; return if the lease ended."""
        watched = [self._wake_fd, self._lease_fd] if lease else [self._wake_fd]
        readable, _, _ = select.select(watched, [], [], seconds)
        if self._wake_fd in readable:
            os.read(self._wake_fd, 4096)
        self._reap()
        return self._lease_fd in readable and os.read(self._lease_fd, 1) == b""

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._child:
                    code = os.waitstatus_to_exitcode(status)
                    self.exit_code = code if code >= 0 else 128 - code


def _start(command: Sequence[str], report_fd: int) -> int | None:
    """Start `command` in a group of its own and report; return its pid, None if it failed."""
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - no threads here
        )
    except OSError as error:
        os.write(report_fd, f"error: cannot start {command[0]}: {error.strerror}\n".encode())
        return None
    os.write(report_fd, f"{child.pid}\n".encode())
    os.close(report_fd)
    child.returncode = 0  # reaped here, not by Popen
    return child.pid


def main(arguments: Sequence[str]) -> int:
    """Guard the command in `arguments` (see the module's text); return its exit status."""
    lease_fd, report_fd = int(arguments[0]), int(arguments[1])
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Orphans of the service become ours, so that they are reaped and their group ends.
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = _start(arguments[4:], report_fd)
    if child is None:
        return 127
    guard = _Guard(
        lease_fd=lease_fd,
        wake_fd=wake_read,
        grace_s=float(arguments[2]),
        stop_signal=int(arguments[3]),
        child=child,
    )
    signal.signal(signal.SIGTERM, guard.ask_to_stop)
    guard.watch()
    return guard.exit_code if guard.exit_code is not None else 128 + signal.SIGKILL


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
