"""Runs k8s/kind/reload.py as a container does, on processes that say what they are."""

import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.project.machine import REPOSITORY

_RELOADER = REPOSITORY / "k8s/kind/reload.py"
_HOST = """
import runpy, sys
from pathlib import Path
reload = runpy.run_path(sys.argv[1])
live, installed = Path(sys.argv[2]), Path(sys.argv[3])
sys.exit(reload["Reloader"](sys.argv[4:], live=live, installed=installed).run())
"""
_PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
import part.said
print(part.said.WORD, os.getpid(), flush=True)
while True:
    time.sleep(0.02)
"""


class Container:
    def __init__(self, folder: Path) -> None:
        self.live = folder / "live"
        self.installed = folder / "installed"
        package = self.installed / "part"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "said.py").write_text("from part.other import NUMBER\nWORD = f'old-{NUMBER}'\n")
        (package / "other.py").write_text("NUMBER = 1\n")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", _HOST, str(_RELOADER), str(self.live)),
                *(str(self.installed), sys.executable, "-c", _PROGRAM),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(self.installed), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def says(self) -> tuple[str, int]:
        """The next program's word and process."""
        assert self.process.stdout is not None
        word, pid = self.process.stdout.readline().split()
        return word, int(pid)

    def change(self, name: str, text: str) -> None:
        """Do what Tilt does."""
        path = self.live / "part" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.process.send_signal(signal.SIGHUP)


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    container = Container(tmp_path)
    yield container
    container.process.terminate()
    container.process.wait(timeout=30)
    assert container.process.stdout is not None
    container.process.stdout.close()


def _gone(pid: int) -> Callable[[], bool]:
    def gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    return gone


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_changed_module_is_used_beside_those_that_did_not_change(container: Container) -> None:
    word, first = container.says()
    assert word == "old-1"

    container.change("said.py", "from part.other import NUMBER\nWORD = f'new-{NUMBER}'\n")

    word, second = container.says()
    assert word == "new-1"
    assert second != first
    _wait(_gone(first))
    assert container.process.poll() is None, "the container goes on"


def test_changes_add_up(container: Container) -> None:
    container.says()
    container.change("said.py", "from part.other import NUMBER\nWORD = f'new-{NUMBER}'\n")
    container.says()

    container.change("other.py", "NUMBER = 2\n")

    assert container.says()[0] == "new-2"


def test_the_end_of_the_program_is_that_of_the_container(container: Container) -> None:
    _, program = container.says()

    os.kill(program, signal.SIGKILL)

    assert container.process.wait(timeout=30) == 128 + signal.SIGKILL


def test_a_container_that_is_to_stop_ends_its_program_first(container: Container) -> None:
    _, program = container.says()

    container.process.terminate()

    assert container.process.wait(timeout=30) == 7, "the program's own status"
    assert _gone(program)()


def test_what_is_already_changed_is_not_overwritten(tmp_path: Path) -> None:
    for folder, text in (("live", "changed"), ("installed", "shipped")):
        (tmp_path / folder / "part").mkdir(parents=True)
        (tmp_path / folder / "part/said.py").write_text(text)
    (tmp_path / "installed/part/inner").mkdir()
    (tmp_path / "installed/part/inner/table.csv").write_text("1")

    runpy.run_path(str(_RELOADER))["complete"](tmp_path / "live", tmp_path / "installed")

    assert (tmp_path / "live/part/said.py").read_text() == "changed"
    assert (tmp_path / "live/part/inner/table.csv").read_text() == "1"
