"""Both parts of the visualizer as processes of their own, watched over by this one."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final

from cardwatch_visualizer.metrics import FOLDER_VARIABLE, forget_values, serve_all

_log = logging.getLogger(__name__)

PARTS: Final = ("collector", "web")
_LOOK_EVERY_S: Final = 0.5
_STEADY_S: Final = 30.0
_LONGEST_PAUSE_S: Final = 30.0
_STOP_S: Final = 12.0


class Part:
    """A process that is started again when it ends, after a pause that grows.

    Args:
        name: which part.
        command: what to run.
        environment: in which.
    """

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str]) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._pause_s = 0.5

    @property
    def never_worked(self) -> bool:
        """Whether it has ended with a bad status soon after its first start."""
        return self._process is not None and (self._process.poll() or 0) == _NO_START

    def tend(self) -> None:
        """Start it if it does not run and its pause is over."""
        now_s = monotonic()
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            if now_s - self._started_s > _STEADY_S:
                self._pause_s = 0.5
            if now_s < self._started_s + self._pause_s:
                return
            forget_values(self._process.pid, self._environment)
            _log.error("the %s ended with status %d; starting it again", self.name, status)
            self._pause_s = min(_LONGEST_PAUSE_S, 2 * self._pause_s)
        self._started_s = now_s
        self._process = subprocess.Popen(self._command, env=self._environment)

    def begin_stop(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self, deadline_s: float) -> None:
        """Wait until it has ended; kill it at a deadline, monotonic seconds."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, deadline_s - monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_NO_START: Final = 2
"""The status of a part whose settings or files are not what they should be."""


def run_parts(arguments: Sequence[str], metrics_port: int | None) -> int:
    """Run both parts until SIGTERM or SIGINT; return the exit status.

    Args:
        arguments: of the command line, given to each part.
        metrics_port: where Prometheus reads; None: nowhere.

    Raises:
        OSError: somebody else listens at the port.
    """
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="cardwatch-visualizer-") as folder:
        environment = dict(os.environ)
        if metrics_port is not None:
            environment[FOLDER_VARIABLE] = folder
            serve_all(metrics_port, Path(folder))
        command = [sys.executable, "-P", "-m", "cardwatch_visualizer", *arguments]
        parts = [Part(name, [*command, f"--part={name}"], environment) for name in PARTS]
        try:
            while not stop.wait(_LOOK_EVERY_S):
                if any(part.never_worked for part in parts):
                    return _NO_START
                for part in parts:
                    part.tend()
        finally:
            deadline_s = monotonic() + _STOP_S
            for part in parts:
                part.begin_stop()
            for part in parts:
                part.stop(deadline_s)
    return 0
