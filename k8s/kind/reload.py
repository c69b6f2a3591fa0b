#!/opt/cardwatch/bin/python
"""Runs a component in an image that Tilt builds, and starts it anew with changed Python code.

`CARDWATCH_RELOADED` is the command; arguments go behind it. Tilt writes changed files into
`/dev/shm/cardwatch`, which a pod may write to although its root file system is read-only, then
sends SIGHUP. The container goes on, so what was written stays.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

_LIVE: Final = Path("/dev/shm/cardwatch")
_GRACE_S: Final = 20.0


class Reloader:
    """Runs a command, again after each SIGHUP, until it ends or SIGTERM ends it."""

    def __init__(self, command: Sequence[str], *, live: Path, installed: Path) -> None:
        """Look for changed packages in `live`, and for the rest of them in `installed`."""
        self._command = list(command)
        self._live = live
        self._installed = installed
        self._child: subprocess.Popen[bytes] | None = None
        self._again = False

    def run(self) -> int:
        """Run; return the exit status as a shell would."""
        signal.signal(signal.SIGHUP, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        while True:
            self._again = False
            complete(self._live, self._installed)
            self._child = subprocess.Popen(self._command, env=self._environment())
            status = self._wait(self._child)
            if not self._again:
                return status if status >= 0 else 128 - status

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._again = number == signal.SIGHUP
        if self._child is not None:
            self._child.terminate()

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        left_s = _GRACE_S
        while True:
            try:
                return child.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                if self._again:
                    left_s -= 0.2
                if left_s <= 0:
                    child.kill()

    def _environment(self) -> dict[str, str]:
        """Return the environment, in which changed packages come before what is installed."""
        if not self._live.is_dir():
            return dict(os.environ)
        path = [str(self._live), os.environ.get("PYTHONPATH", "")]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}


def complete(live: Path, installed: Path) -> None:
    """Add to each package in `live` the files it has in `installed` and not yet here."""
    packages = [path for path in live.iterdir() if path.is_dir()] if live.is_dir() else []
    for package in packages:
        for source in (installed / package.name).rglob("*"):
            target = package / source.relative_to(installed / package.name)
            if source.is_file() and source.suffix != ".pyc" and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)


def main(arguments: Sequence[str]) -> int:
    """Run the command that the environment names."""
    command = [*os.environ["CARDWATCH_RELOADED"].split(), *arguments]
    installed = Path(sysconfig.get_paths()["purelib"])
    return Reloader(command, live=_LIVE, installed=installed).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
