"""A supervised server process: started under a guardian, waited for, stopped in order."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cardwatch_local import guardian
from cardwatch_local.errors import StackError
from cardwatch_local.settings import child_environment

_TAIL_LINES: Final = 20
_TAIL_BYTES: Final = 64 * 1024
_JAVA_FRAMES: Final = ("\tat ", "\t... ")
_LOG_KEEP_BYTES: Final = 10 * 1024 * 1024
_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """What to run and how long it may take."""

    name: str
    """As users see it: `kafka`, `valkey`, `jobmanager`, `taskmanager-1`, `archiver`."""
    log_file: Path
    """Standard output and error are appended here."""
    cwd: Path
    """Working directory; made if missing."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to this process's environment."""
    ready_timeout_s: float = 120.0
    """How long it may take until it is ready."""
    stop_timeout_s: float = 15.0
    """How long it may take to end after `stop_signal` before it is killed."""
    stop_signal: signal.Signals = signal.SIGTERM
    """What asks it to end."""


def _always() -> bool:
    return True


class Service:
    """One server process, its log and its readiness.

    The process ends when this one does, however this one ends (see `guardian`).
    Not thread-safe, except that different services may be used from different threads.
    """

    def __init__(
        self,
        spec: ServiceSpec,
        *,
        command: Callable[[], Sequence[str]],
        ready: Callable[[], bool] = _always,
    ) -> None:
        """Run what `command` returns at each start; it serves once `ready` returns True.

        `ready` is asked many times, must return within about a second, and may raise
        StackError to say that waiting is in vain.
        """
        self.spec = spec
        self._command = command
        self._ready = ready
        self._guardian: subprocess.Popen[bytes] | None = None
        self._lease_fd: int | None = None
        self._pid: int | None = None

    @property
    def name(self) -> str:
        """The service's name."""
        return self.spec.name

    @property
    def pid(self) -> int | None:
        """Process id of the server itself, None before the first start."""
        return self._pid

    @property
    def is_running(self) -> bool:
        """Whether the server process exists."""
        return self._guardian is not None and self._guardian.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the server ended, 128 + signal for a signal; None while it runs."""
        return None if self._guardian is None else self._guardian.poll()

    def why_not_ready(self) -> str:
        """Return what is known of why the server does not serve: by default its last log lines."""
        return f"last lines of {self.spec.log_file}:\n{self.log_tail()}"

    def start(self) -> None:
        """Start the process; does not wait until it serves.

        Raises:
            StackError: It is running already, or the program cannot be started.
        """
        if self.is_running:
            raise StackError(f"{self.name} is running already, as process {self._pid}")
        self.stop()  # what an earlier run may have left
        self.spec.cwd.mkdir(parents=True, exist_ok=True)
        self.spec.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._rotate_log()
        lease_read, self._lease_fd = os.pipe()
        report_read, report_write = os.pipe()
        try:
            with self.spec.log_file.open("ab") as log:
                self._guardian = subprocess.Popen(
                    self._guardian_command(lease_read, report_write),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.spec.cwd,
                    env=child_environment(self.spec.environment),
                    pass_fds=(lease_read, report_write),
                    start_new_session=True,  # Ctrl-C in the terminal is for the owner only
                )
        finally:
            os.close(lease_read)
            os.close(report_write)
        with os.fdopen(report_read) as report:
            answer = report.readline().strip()
        if not answer.isdecimal():
            self.stop()
            raise StackError(f"{self.name}: {answer or 'its guardian did not start'}")
        self._pid = int(answer)

    def is_ready(self) -> bool:
        """Return whether the server serves at this moment."""
        try:
            return self.is_running and self._ready()
        except StackError:
            return False

    def wait_ready(self) -> None:
        """Return once the server serves.

        Raises:
            StackError: It ended, or is not ready in time; the text has its last log lines.
        """
        deadline = time.monotonic() + self.spec.ready_timeout_s
        while True:
            if not self.is_running:
                raise StackError(self._complaint(f"ended with status {self.exit_code}"))
            try:
                if self._ready():
                    return
            except StackError as error:
                raise StackError(self._complaint(str(error))) from error
            if time.monotonic() > deadline:
                limit = f"did not become ready within {self.spec.ready_timeout_s:.0f} s"
                raise StackError(self._complaint(limit))
            time.sleep(_POLL_S)

    def begin_stop(self) -> None:
        """Ask the process to end and return at once, so that several can end side by side."""
        self._release_lease()

    def stop(self) -> None:
        """End the process and all it started; return when they are gone. Safe to repeat."""
        self.begin_stop()
        if self._guardian is None:
            return
        try:
            self._guardian.wait(self.spec.stop_timeout_s + 2 * guardian.STRAGGLERS_S + 1)
        except subprocess.TimeoutExpired:
            self._guardian.kill()  # the service follows by its parent-death signal
            self._guardian.wait()
        self._sweep()

    def _sweep(self) -> None:
        """Kill what is left of the service's group if its guardian was killed itself."""
        if self._pid is not None and (self.exit_code or 0) < 0:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
        self._pid = None

    def log_tail(self, lines: int = _TAIL_LINES) -> str:
        """Return the last `lines` lines of the log, without the frames of Java's stack traces.

        The frames say where in a server something went wrong, and push out of sight what did.
        """
        try:
            with self.spec.log_file.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                text = file.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        said = [line for line in text.splitlines() if not line.startswith(_JAVA_FRAMES)]
        return "\n".join(said[-lines:])

    def _complaint(self, what: str) -> str:
        return f"{self.name} {what}; {self.why_not_ready()}"

    def _guardian_command(self, lease_fd: int, report_fd: int) -> list[str]:
        # -I and -S: the guardian needs the standard library only, and starts in 20 ms so.
        interpreter = [sys.executable, "-I", "-S", guardian.__file__]
        spec = self.spec
        settings = [lease_fd, report_fd, spec.stop_timeout_s, int(spec.stop_signal)]
        return [*interpreter, *map(str, settings), *self._command()]

    def _release_lease(self) -> None:
        if self._lease_fd is not None:
            os.close(self._lease_fd)
            self._lease_fd = None

    def _rotate_log(self) -> None:
        log = self.spec.log_file
        with contextlib.suppress(FileNotFoundError):
            if log.stat().st_size > _LOG_KEEP_BYTES:
                log.replace(log.with_name(f"{log.name}.1"))
