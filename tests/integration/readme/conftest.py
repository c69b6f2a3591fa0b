"""A reader who types every command of the README, in order, in one shell."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.demo.user import User
from tests.integration.readme.reader import Typed, read_session, script_of
from tests.unit.project.fences import commands
from tests.unit.project.machine import REPOSITORY

_ALL_COMMANDS_S = 600.0
_FROM_AN_OUTER_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")


@pytest.fixture(scope="module")
def session(
    tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path
) -> Iterator[dict[str, Typed]]:
    """What became of each command, by its line. Everything is stopped afterwards."""
    if not (REPOSITORY / ".venv/.installed").exists():
        pytest.skip("`make demo` would change this .venv, which was not made by `make`")
    home = tmp_path_factory.mktemp("reader")
    # Copied, so that what the servers add to their folder of jars goes with this home.
    shutil.copytree(fetched_jars, home / "jars", ignore=shutil.ignore_patterns("classes"))
    reader = User(home=home)
    script = home / "session.sh"
    script.write_text(
        script_of(
            commands((REPOSITORY / "README.md").read_text()),
            # One cannot run the tests inside the tests. The demo is that of the README with fewer
            # cards in less time, and files go where nobody keeps them.
            instead={
                "make test": "make --dry-run test",
                "make demo DURATION=60 REPORT=demo.json": (
                    f"make demo DURATION=5 CARDS=1000 REPORT='{home}/demo.json'"
                ),
                "cardwatch export alerts --output alerts.csv": (
                    f"cardwatch export alerts --output '{home}/alerts.csv'"
                ),
            },
        )
    )
    environment = {name: v for name, v in os.environ.items() if name not in _FROM_AN_OUTER_MAKE}
    output = home / "session.txt"
    try:
        with output.open("w") as file:
            shell = subprocess.Popen(
                ["bash", str(script)],
                cwd=REPOSITORY,
                env=environment | {"CARDWATCH_HOME": str(home)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end_in_time(shell)
        yield read_session(output.read_text())
    finally:
        reader.run("down")
        assert reader.wait_until_alone(20) == []
        shutil.rmtree(home)


def end_in_time(shell: "subprocess.Popen[bytes]") -> None:
    """Wait for the shell; interrupt it and what it runs if a command hangs."""
    try:
        shell.wait(_ALL_COMMANDS_S)
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(60)
