import os
import subprocess

import pytest
from tests.unit.project.machine import Machine

_RUN = ("sh", "scripts/bootstrap.sh", "run")
_DEV = ("sh", "scripts/bootstrap.sh", "dev")


@pytest.fixture
def ready(machine: Machine) -> Machine:
    machine.add_python("python3.12", "3.12")
    return machine


def _made(machine: Machine) -> int:
    """How many times an environment was made."""
    return sum(call.startswith("venv") for call in machine.calls)


def test_the_locks_are_installed_with_hashes_and_then_the_project(ready: Machine) -> None:
    result = ready.run(*_RUN)

    assert result.returncode == 0, result.stderr
    environment, build, run, project = ready.calls
    assert environment == "venv by 3.12"
    assert build.startswith("pip install")
    assert "--require-hashes" in build
    assert build.endswith("--requirement requirements/build.txt")
    assert "--require-hashes" in run
    assert run.endswith("--requirement requirements/build.txt --requirement requirements/run.txt")
    assert project.endswith("--no-build-isolation --no-deps --editable .")


def test_a_second_run_does_nothing(ready: Machine) -> None:
    ready.run(*_RUN)
    before = ready.calls

    result = ready.run(*_RUN)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert ready.calls == before


def test_the_tools_of_developers_are_added_to_what_is_there(ready: Machine) -> None:
    ready.run(*_RUN)

    ready.run(*_DEV)

    assert _made(ready) == 1
    assert "requirements/dev.txt" in ready.calls[-2]
    before = ready.calls
    ready.run(*_RUN)
    assert ready.calls == before


def test_a_changed_lock_makes_the_environment_anew(ready: Machine) -> None:
    ready.run(*_RUN)
    (ready.project / "requirements/run.txt").write_text("run==2\n")

    ready.run(*_RUN)

    assert _made(ready) == 2


def test_a_changed_pyproject_installs_the_project_again(ready: Machine) -> None:
    ready.run(*_RUN)
    (ready.project / "pyproject.toml").write_text("[project]\nname = 'cardwatch'\n")

    ready.run(*_RUN)

    assert _made(ready) == 1
    assert ready.calls[-1].endswith("--editable .")
    assert sum(call.endswith("--editable .") for call in ready.calls) == 2


def test_an_environment_left_half_made_is_made_anew(ready: Machine) -> None:
    ready.file("broken").touch()
    assert ready.run(*_RUN).returncode == 1
    ready.file("broken").unlink()

    result = ready.run(*_RUN)

    assert result.returncode == 0, result.stderr
    assert _made(ready) == 2
    assert not (ready.venv / ".incomplete").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(ready: Machine) -> None:
    ready.run(*_RUN)
    (ready.venv / "bin/python").unlink()

    assert ready.run(*_RUN).returncode == 0
    assert _made(ready) == 2


def test_an_environment_that_was_moved_is_made_anew(ready: Machine) -> None:
    ready.run(*_RUN)
    (ready.venv / ".installed/root").write_text("/elsewhere\n")

    ready.run(*_RUN)

    assert _made(ready) == 2


def test_asking_for_the_other_python_makes_the_environment_anew(ready: Machine) -> None:
    ready.run(*_RUN)
    other = ready.add_python("python3.11", "3.11")

    ready.run(*_RUN, PYTHON=str(other))

    assert ready.calls.count("venv by 3.11") == 1


def test_asking_for_a_wrong_python_leaves_the_environment_alone(ready: Machine) -> None:
    ready.run(*_RUN)
    before = ready.calls
    wrong = ready.add_python("python3.13", "3.13")

    result = ready.run(*_RUN, PYTHON=str(wrong))

    assert result.returncode == 1
    assert "PYTHON= takes Python 3.11 or 3.12" in result.stderr
    assert ready.calls == before
    assert ready.run(*_RUN).stderr == ""


def test_too_little_disk_is_said_before_anything_is_made(ready: Machine) -> None:
    ready.add("df", "echo Filesystem; echo '/dev/small 100 0 204800 0% /'")

    result = ready.run(*_RUN)

    assert result.returncode == 1
    assert "has 200 MiB of free disk; 1500 MiB are needed" in result.stderr
    assert not ready.venv.exists()


def test_a_disk_that_fills_up_is_told_from_a_network_that_fails(ready: Machine) -> None:
    ready.add(
        "df",
        f'[ -e "{ready.venv}/bin/uv" ] && kib=1024 || kib=9999999\n'
        'echo Filesystem; echo "/dev/full 100 0 $kib 0% /"',
    )
    ready.file("broken").touch()

    result = ready.run(*_RUN)

    assert result.returncode == 1
    assert "the disk is full" in result.stderr


def test_no_network_ends_with_what_to_set(ready: Machine) -> None:
    ready.file("offline").touch()

    result = ready.run(*_RUN)

    assert result.returncode == 1
    assert "no matching distribution" in result.stderr
    assert "HTTPS_PROXY" in result.stderr
    assert "PIP_INDEX_URL" in result.stderr


def test_a_mirror_given_to_pip_serves_uv(ready: Machine) -> None:
    ready.run(*_RUN, PIP_INDEX_URL="file:///mirror")

    assert ready.index_given_to_uv == "file:///mirror"


def test_a_missing_venv_module_is_installed_by_root(ready: Machine) -> None:
    missing = ready.file("no-venv")
    missing.touch()
    ready.add("id", "echo 0")
    ready.add(
        "apt-get",
        f'echo "apt-get $*" >>"{ready.file("calls")}"\n'
        f'case "$*" in *python3.12-venv) rm "{missing}" ;; esac',
    )

    result = ready.run(*_RUN)

    assert result.returncode == 0, result.stderr
    update, install, environment = ready.calls[:3]
    assert update == "apt-get update"
    assert install == "apt-get install --yes --no-install-recommends python3.12-venv"
    assert environment == "venv by 3.12"


def test_a_missing_venv_module_is_named_to_others_with_the_command(ready: Machine) -> None:
    ready.file("no-venv").touch()
    ready.add("id", "echo 1000")
    ready.add("apt-get", f'echo "apt-get $*" >>"{ready.file("calls")}"')

    result = ready.run(*_RUN)

    assert result.returncode == 1
    assert "sudo apt-get update && sudo apt-get install --yes python3.12-venv" in result.stderr
    assert ready.calls == []


def test_uv_makes_the_environment_where_the_venv_module_is_missing(ready: Machine) -> None:
    ready.file("no-venv").touch()
    ready.add(
        "uv",
        f"""case "$1" in
        venv)
            mkdir -p .venv/bin
            cp "{ready.programs}/python3.12" .venv/bin/python ;;
        pip)
            echo "outer uv $*" >>"{ready.file("calls")}"
            cp "{ready.programs}/venv-uv" .venv/bin/uv ;;
        esac""",
    )

    result = ready.run(*_RUN)

    assert result.returncode == 0, result.stderr
    assert ready.calls[0].startswith("outer uv pip install")
    assert "--require-hashes" in ready.calls[0]
    assert ready.calls[-1].endswith("--editable .")


def test_a_package_that_apt_cannot_bring_is_named(ready: Machine) -> None:
    ready.file("no-venv").touch()
    ready.add("id", "echo 0")
    ready.add("apt-get", "exit 100")

    result = ready.run(*_RUN)

    assert result.returncode == 1
    assert "apt-get could not install python3.12-venv" in result.stderr


def test_the_lock_of_a_run_that_was_killed_is_taken_over(ready: Machine) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    (ready.project / ".venv.lock").mkdir()
    (ready.project / ".venv.lock/pid").write_text(f"{ended.pid}\n")

    assert ready.run(*_RUN).returncode == 0
    assert not (ready.project / ".venv.lock").exists()


def test_two_runs_at_once_make_one_environment(ready: Machine) -> None:
    lock = ready.project / ".venv.lock"
    lock.mkdir()
    (lock / "pid").write_text(f"{os.getpid()}\n")
    waiting = subprocess.Popen(
        _RUN, cwd=ready.project, env=ready.environment(), stderr=subprocess.PIPE, text=True
    )
    assert waiting.stderr is not None
    assert "waiting for it" in waiting.stderr.readline()
    assert ready.calls == []

    lock.rename(ready.file("lock-given-back"))

    assert waiting.wait(timeout=30) == 0
    waiting.stderr.close()
    assert _made(ready) == 1


def test_an_unknown_use_is_refused_with_the_known_ones(ready: Machine) -> None:
    result = ready.run("sh", "scripts/bootstrap.sh", "everything")

    assert result.returncode == 1
    assert "run|train|dev|bench" in result.stderr


def test_what_training_needs_is_added_to_what_is_there(ready: Machine) -> None:
    ready.run(*_RUN)

    ready.run("sh", "scripts/bootstrap.sh", "train")

    assert _made(ready) == 1
    assert ready.calls[-2].endswith(
        "--requirement requirements/run.txt --requirement requirements/train.txt"
    )
