"""Runs `cardwatch` in a process and looks for what it leaves behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_PROGRAM = Path(sys.executable).with_name("cardwatch")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with a home folder."""

    home: Path

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command; its output can be read from the process."""
        return subprocess.Popen(
            [str(_PROGRAM), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"CARDWATCH_HOME": str(self.home)},
            cwd=self.home,
        )

    def run(self, *arguments: str, timeout_s: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, standard output and error apart."""
        return subprocess.run(
            [str(_PROGRAM), *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=os.environ | {"CARDWATCH_HOME": str(self.home)},
            cwd=self.home,
        )

    def processes(self) -> list[psutil.Process]:
        """Everything that runs with this home: servers, guardians, workers, commands."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def wait_until_alone(self, timeout_s: float) -> list[str]:
        """Wait until nothing runs any more; return the command lines of what still does."""
        wait_until(lambda: not self.processes(), timeout_s)
        return [" ".join(_command(process)) for process in self.processes()]

    def _owns(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("CARDWATCH_HOME") == str(self.home)
        except (psutil.Error, OSError):
            return False


def wait_for_line(process: Any, words: str, timeout_s: float) -> str:
    """Read a process's output until a line has `words`; return that line."""
    seen: list[str] = []
    deadline = time.monotonic() + timeout_s
    for line in process.stdout:
        seen.append(line)
        if words in line:
            return str(line)
        if time.monotonic() > deadline:
            break
    raise AssertionError(f"no {words!r} in:\n{''.join(seen)}")


def wait_until(condition: Callable[[], Any], timeout_s: float) -> bool:
    """Ask until it is true; return whether it became so in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
