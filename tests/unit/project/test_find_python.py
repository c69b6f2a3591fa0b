import pytest
from tests.unit.project.machine import Machine

_SCRIPT = ("sh", "scripts/find-python.sh")


def test_the_newest_allowed_python_on_path_is_taken(machine: Machine) -> None:
    machine.add_python("python3.11", "3.11")
    newest = machine.add_python("python3.12", "3.12")
    machine.add_python("python3", "3.13")

    assert machine.run(*_SCRIPT).stdout == f"{newest}\n"


@pytest.mark.parametrize("name", ["python3", "python"])
def test_a_python_under_a_plain_name_is_found_by_its_version(machine: Machine, name: str) -> None:
    python = machine.add_python(name, "3.11")

    assert machine.run(*_SCRIPT).stdout == f"{python}\n"


def test_a_shim_that_only_fails_is_passed_over(machine: Machine) -> None:
    machine.add("python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    python = machine.add_python("python3.11", "3.11")

    result = machine.run(*_SCRIPT)

    assert result.stdout == f"{python}\n"
    assert result.stderr == ""


def test_a_python_that_pyenv_keeps_off_path_is_found(machine: Machine) -> None:
    folder = machine.folder / "home/.pyenv/versions/3.12.1/bin"
    folder.mkdir(parents=True)
    python = machine.add_python("python3.12", "3.12").rename(folder / "python3.12")

    assert machine.run(*_SCRIPT).stdout == f"{python}\n"


def test_an_activated_environment_of_ours_is_passed_over_since_it_is_to_be_made(
    machine: Machine,
) -> None:
    python = machine.add_python("python3.11", "3.11")
    (machine.venv / "bin").mkdir(parents=True)
    machine.add_python("ours", "3.11").rename(machine.venv / "bin" / "python3.11")

    result = machine.run(*_SCRIPT, PATH=f"{machine.venv / 'bin'}:{machine.programs}")

    assert result.stdout == f"{python}\n"


def test_only_a_newer_python_ends_with_what_to_install(machine: Machine) -> None:
    machine.add_python("python3", "3.13")

    result = machine.run(*_SCRIPT)

    assert result.returncode == 1
    assert result.stdout == ""
    assert "no Python 3.11 or 3.12 was found (python3 is Python 3.13)" in result.stderr
    for system in ("Debian 12", "Ubuntu", "Fedora", "macOS"):
        assert system in result.stderr


def test_no_python_at_all_ends_with_what_to_install(machine: Machine) -> None:
    result = machine.run(*_SCRIPT)

    assert result.returncode == 1
    assert "no Python 3.11 or 3.12 was found. Install one:" in result.stderr


def test_python_2_is_not_taken_for_a_python_3(machine: Machine) -> None:
    machine.add("python", 'echo 2.7 "$0"')

    assert machine.run(*_SCRIPT).returncode == 1


def test_the_python_that_is_asked_for_is_taken(machine: Machine) -> None:
    machine.add_python("python3.12", "3.12")
    asked = machine.add_python("my-python", "3.11")

    assert machine.run(*_SCRIPT, PYTHON=str(asked)).stdout == f"{asked}\n"


def test_asking_for_a_wrong_python_is_refused_with_what_is_allowed(machine: Machine) -> None:
    machine.add_python("python3.12", "3.12")
    asked = machine.add_python("my-python", "3.13")

    result = machine.run(*_SCRIPT, PYTHON=str(asked))

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"cardwatch: {asked} is Python 3.13; PYTHON= takes Python 3.11 or 3.12\n"
    )


def test_asking_for_what_is_no_python_is_refused(machine: Machine) -> None:
    result = machine.run(*_SCRIPT, PYTHON="/nowhere/python")

    assert result.returncode == 1
    assert "/nowhere/python does not run as a Python 3" in result.stderr


def test_uv_brings_a_python_where_path_has_none(machine: Machine) -> None:
    brought = machine.folder / "brought"
    machine.add_python("brought", "3.12")
    machine.add(
        "uv",
        f'case "$2" in\n'
        f'install) mv "{machine.programs}/brought" "{brought}" ;;\n'
        f'find) [ -e "{brought}" ] && echo "{brought}" ;;\n'
        "esac\n",
    )

    assert machine.run(*_SCRIPT).stdout == f"{brought}\n"


def test_uv_that_brings_none_ends_with_what_to_install(machine: Machine) -> None:
    machine.add("uv", "echo 'error: no network' >&2; exit 1")

    result = machine.run(*_SCRIPT)

    assert result.returncode == 1
    assert "error: no network" in result.stderr
    assert "no Python 3.11 or 3.12 was found. Install one:" in result.stderr
