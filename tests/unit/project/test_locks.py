import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from tests.unit.project.machine import REPOSITORY

_PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
_LOCKS = ("build", "run", "train", "dev")
_PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; [^\\]+)? \\$", re.MULTILINE)


def _text_of(lock: str) -> str:
    return (REPOSITORY / "requirements" / f"{lock}.txt").read_text()


def _versions_in(lock: str) -> dict[str, str]:
    return dict(_PINNED.findall(_text_of(lock)))


def _wanted(lock: str) -> list[Requirement]:
    """What pyproject.toml asks of a lock."""
    extras, groups = _PROJECT["project"]["optional-dependencies"], _PROJECT["dependency-groups"]
    lines: list[str] = {
        "build": [*groups["build"], *_PROJECT["build-system"]["requires"]],
        "run": [
            *_PROJECT["project"]["dependencies"],
            *(line for extra, lines in extras.items() if extra != "train" for line in lines),
        ],
        "train": extras["train"],
        "dev": [*groups["test"], *groups["lint"]],
    }[lock]
    requirements = [Requirement(line) for line in lines]
    return [requirement for requirement in requirements if requirement.name != "cardwatch"]


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_lock_has_what_pyproject_asks_for_at_an_allowed_version(lock: str) -> None:
    versions = _versions_in(lock)

    for requirement in _wanted(lock):
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert name in versions, f"{requirement} is not in {lock}.txt: run `make lock`"
        assert requirement.specifier.contains(versions[name], prereleases=True), (
            f"{lock}.txt has {name} {versions[name]}, not {requirement}: run `make lock`"
        )


@pytest.mark.parametrize("lock", _LOCKS)
def test_every_line_of_a_lock_is_a_pinned_package_with_hashes(lock: str) -> None:
    packages = re.split(r"\n(?=[^ #\n])", _text_of(lock))[1:]

    assert packages
    for package in packages:
        assert _PINNED.match(package), package.splitlines()[0]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package.splitlines()[0]


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_lock_names_no_index(lock: str) -> None:
    assert "://" not in _text_of(lock)
    assert "--index" not in _text_of(lock)
    assert "--find-links" not in _text_of(lock)


def test_the_locks_agree_with_each_other() -> None:
    versions: dict[str, set[str]] = {}
    for lock in _LOCKS:
        for name, version in _versions_in(lock).items():
            versions.setdefault(name, set()).add(version)

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
