import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from tests.unit.project.machine import REPOSITORY, Machine

_MAKEFILE = (REPOSITORY / "Makefile").read_text()
_TARGETS = re.search(r"^\.PHONY: (.*)$", _MAKEFILE, re.MULTILINE)


@pytest.fixture
def installed(machine: Machine) -> Machine:
    """A machine on which everything is installed, and `cardwatch` prints its arguments."""
    (machine.project / "scripts/bootstrap.sh").write_text("")
    (machine.venv / "bin").mkdir(parents=True)
    _install_cardwatch(machine, 'for argument; do printf "[%s]" "$argument"; done')
    return machine


def _install_cardwatch(machine: Machine, script: str) -> Path:
    return machine.add("cardwatch", script).rename(machine.venv / "bin/cardwatch")


def test_make_alone_lists_every_target_with_what_it_does(machine: Machine) -> None:
    assert _TARGETS is not None

    listed = machine.run("make").stdout

    for target in _TARGETS[1].split():
        assert re.search(rf"^ +make {target} +\w.+$", listed, re.MULTILINE), target


def test_variables_of_make_demo_become_options(installed: Machine) -> None:
    result = installed.run("make", "demo", "DURATION=60", "REPORT=a b'c.json", "RATE_A=5")

    first, *options = re.findall(r"\[(.*?)\]", result.stdout)
    assert first == "demo"
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        "--duration": "60",
        "--report": "a b'c.json",
        "--rate-a": "5",
    }


def test_an_empty_variable_and_the_choice_of_python_are_no_options(installed: Machine) -> None:
    result = installed.run("make", "demo", "DURATION=", "PYTHON=python3.12", REPORT="environment")

    assert result.stdout == "[demo]"


def test_make_demo_fails_where_the_demo_does(installed: Machine) -> None:
    _install_cardwatch(installed, "exit 1")

    assert installed.run("make", "demo").returncode != 0


def test_ctrl_c_reaches_the_demo_and_waits_until_it_has_stopped(installed: Machine) -> None:
    stopped = installed.file("stopped")
    _install_cardwatch(
        installed,
        f"""trap 'sleep 0.2; touch "{stopped}"; exit 130' INT
        echo started
        while :; do sleep 0.05; done""",
    )
    demo = subprocess.Popen(
        ["make", "demo"],
        cwd=installed.project,
        env=installed.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    assert demo.stdout.readline() == "started\n"

    os.killpg(demo.pid, signal.SIGINT)

    assert demo.wait(timeout=30) != 0
    demo.stdout.close()
    assert stopped.exists()


def test_make_test_lints_and_then_calls_pytest_once_for_all(machine: Machine) -> None:
    commands = machine.run("make", "--dry-run", "test").stdout

    (pytest_call,) = re.findall(r"^.*-m pytest.*$", commands, re.MULTILINE)
    for tier in ("unit", "contract", "integration"):
        assert f"tests/{tier}" in pytest_call
    before = commands.partition(pytest_call)[0]
    for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports", "shellcheck"):
        assert tool in before


def test_ci_is_make_test_and_the_slow_tiers_until_one_fails(machine: Machine) -> None:
    (machine.project / ".ci").mkdir()
    script = machine.project / ".ci/run"
    script.write_text((REPOSITORY / ".ci/run").read_text())
    machine.add("make", 'echo "make $*"; pwd; [ "$*" != test-cluster ] || exit 3')

    result = machine.run(
        "/usr/bin/env", "bash", str(script), PATH=f"{machine.programs}:/usr/bin:/bin"
    )

    project = machine.project
    targets = ("test", "test-archive", "test-tracing", "test-cluster")
    assert result.stdout == "".join(f"make {target}\n{project}\n" for target in targets)
    assert result.returncode == 3
