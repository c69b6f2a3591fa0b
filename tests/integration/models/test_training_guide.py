"""Every command of docs/training.md, in order, in one shell: a real stack with the job in it."""

import os
import re
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

_COMMANDS = commands((REPOSITORY / "docs/training.md").read_text())
_ALL_COMMANDS_S = 1_500.0
_IN_A_HOME = ("feedback.parquet", "judged.parquet")
_TRIAL = r"detectorconfig/strict applied \(generation \d+, 1 of 1 subtasks, model [0-9a-f]{12}, "
_SAYS = {
    "cardwatch alerts --json --limit 10000 | python docs/examples/answer.py": (
        r"\d+ fraudulent, \d+ genuine\n"
    ),
    "cardwatch init-db --dry-run": r"the archive's tables are up to date\n",
    "cardwatch train july --from archive --days 1 --label-delay 1h": (
        r"model july \([0-9a-f]{12}\)"
    ),
    "cardwatch model publish july": r"model july@[0-9a-f]{12} published: [0-9a-f]{64}\n",
    "cardwatch model promote strict july --trial": _TRIAL,
    "cardwatch model init-profiles --from archive": (
        r"habits of [\d,]+ users from [\d,]+ payments, [\d,]+ bytes: sent\n"
    ),
    "cardwatch model promote strict": _TRIAL,
    "cardwatch model promote strict --keep-old": _TRIAL,
    "cardwatch rollback strict": _TRIAL,
    "cardwatch model reset strict --yes": (
        r"detectorconfig/strict applied \(generation \d+, 1 of 1 subtasks, \d"
    ),
}


@pytest.fixture(scope="module")
def session(
    tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path
) -> Iterator[dict[str, Typed]]:
    """What became of each command, by its line; one that is there twice as the last time."""
    pytest.importorskip("sklearn")
    home = tmp_path_factory.mktemp("trainer")
    shutil.copytree(fetched_jars, home / "jars", ignore=shutil.ignore_patterns("classes"))
    instead = {
        command.line: re.sub(rf"\b({'|'.join(_IN_A_HOME)})", rf"{home}/\1", command.line)
        for command in _COMMANDS
    }
    script, output = home / "session.sh", home / "session.txt"
    script.write_text(script_of(_COMMANDS, instead=instead))
    program = REPOSITORY / ".venv/bin"
    path = f"{program}{os.pathsep}{os.environ['PATH']}"
    try:
        with output.open("w") as file:
            shell = subprocess.Popen(
                ["bash", str(script)],
                cwd=REPOSITORY,
                env=os.environ | {"CARDWATCH_HOME": str(home), "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            shell.wait(_ALL_COMMANDS_S)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGTERM)
            shell.wait(60)
        yield read_session(output.read_text())
    finally:
        trainer = User(home=home)
        trainer.run("down")
        assert trainer.wait_until_alone(20) == []
        shutil.rmtree(home)


@pytest.mark.timeout(_ALL_COMMANDS_S + 120)
@pytest.mark.parametrize("line", dict.fromkeys(command.line for command in _COMMANDS))
def test_a_command_of_the_guide_works(session: dict[str, Typed], line: str) -> None:
    assert line in session, f"the session ended before it; it ran {', '.join(session)}"
    typed = session[line]
    assert typed.status == 0, typed.output
    assert re.search(_SAYS.get(line, ""), typed.output), typed.output


@pytest.mark.timeout(_ALL_COMMANDS_S + 120)
def test_the_job_has_judged_with_the_model(session: dict[str, Typed]) -> None:
    said = session["cardwatch model stats july"].output
    scored = re.search(r"judges as +model of detectorconfig/strict\n.*\nscored +([\d,]+),", said)
    assert scored, said
    assert int(scored[1].replace(",", "")) > 0


def test_what_is_checked_is_in_the_guide() -> None:
    assert _SAYS.keys() <= {command.line for command in _COMMANDS}
