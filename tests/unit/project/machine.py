"""A machine that has only the programs a test gives it, to see the scripts meet bad ones."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[3]

_USUAL_PROGRAMS: Final = (
    *("awk", "basename", "cat", "chmod", "cmp", "cp", "df", "dirname", "grep", "make"),
    *("mkdir", "mv", "rm", "sed", "sh", "sleep", "touch", "tr"),
)

_PYTHON: Final = """\
case "$*" in
"-c import ssl, sys"*) echo "{version} $0" ;;
"-c import sys"*) echo "{version}" ;;
"-c import ensurepip"*) [ ! -e "{no_venv}" ] ;;
"-m venv "*)
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    cp "{programs}/venv-pip" .venv/bin/pip
    echo "venv by {version}" >>"{calls}"
    ;;
esac
"""

_PIP: Final = """\
case "$1" in
install)
    echo "pip $*" >>"{calls}"
    [ ! -e "{offline}" ] || {{ echo "ERROR: no matching distribution" >&2; exit 1; }}
    cp "{programs}/venv-uv" .venv/bin/uv
    ;;
esac
"""

_UV: Final = """\
case "$1" in
cache) echo "{home}/cache" ;;
pip)
    echo "uv $*" >>"{calls}"
    echo "$UV_DEFAULT_INDEX" >"{index}"
    [ ! -e "{broken}" ]
    ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder with a copy of the project's scripts, and a PATH of its own."""

    folder: Path

    @property
    def project(self) -> Path:
        """The copy of the project."""
        return self.folder / "project"

    @property
    def programs(self) -> Path:
        """The one folder on PATH."""
        return self.folder / "bin"

    @property
    def venv(self) -> Path:
        """Where the project's environment goes."""
        return self.project / ".venv"

    @property
    def calls(self) -> list[str]:
        """What venv, pip, uv and apt-get were called with, in order."""
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def index_given_to_uv(self) -> str:
        """The package index that uv was last told to use; empty for its own."""
        return self.file("index").read_text().strip()

    def file(self, name: str) -> Path:
        """Return a file outside the project: a switch of the fake programs when it exists."""
        return self.folder / name

    def add(self, name: str, script: str) -> Path:
        """Put a shell script on PATH."""
        return _write_program(self.programs / name, script)

    def add_python(self, name: str, version: str) -> Path:
        """Put a Python on PATH that says it is `version`, makes environments and nothing else."""
        return self.add(name, self.python_script(version))

    def python_script(self, version: str) -> str:
        """Return the script of such a Python, to put elsewhere."""
        return _PYTHON.format(
            version=version,
            no_venv=self.file("no-venv"),
            programs=self.programs,
            calls=self.file("calls"),
        )

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, with nothing of the real environment."""
        return subprocess.run(
            command,
            cwd=self.project,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment commands run in."""
        return {"PATH": str(self.programs), "HOME": str(self.folder / "home"), **more}


def make_machine(folder: Path) -> Machine:
    """Lay out a machine with the usual programs of a Unix, and no Python."""
    machine = Machine(folder)
    for path in (machine.project / "requirements", machine.programs, folder / "home"):
        path.mkdir(parents=True)
    shutil.copytree(REPOSITORY / "scripts", machine.project / "scripts")
    shutil.copy(REPOSITORY / "Makefile", machine.project)
    (machine.project / "pyproject.toml").write_text("[project]\n")
    for lock in ("build", "run", "train", "dev"):
        (machine.project / "requirements" / f"{lock}.txt").write_text(f"{lock}==1\n")
    for name in _USUAL_PROGRAMS:
        program = shutil.which(name)
        assert program is not None, f"these tests need the program {name}"
        os.symlink(program, machine.programs / name)
    _write_program(machine.programs / "venv-pip", _fill(_PIP, machine))
    _write_program(machine.programs / "venv-uv", _fill(_UV, machine))
    return machine


def _fill(script: str, machine: Machine) -> str:
    return script.format(
        home=machine.folder / "home",
        programs=machine.programs,
        calls=machine.file("calls"),
        offline=machine.file("offline"),
        broken=machine.file("broken"),
        index=machine.file("index"),
    )


def _write_program(path: Path, script: str) -> Path:
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    return path
