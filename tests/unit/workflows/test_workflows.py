"""Workflows of GitHub Actions: well-formed, with no more rights than needed, true of all here."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.unit.project.machine import REPOSITORY

_WORKFLOWS: Final = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))
_PINNED: Final = re.compile(r"^\s*(?:- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
_PATH: Final = re.compile(
    r"(?<![\w./$:-])((?:charts|k8s|scripts|docs|tests)/[\w./-]+|Tiltfile|pyproject\.toml)"
)
_TARGETS: Final = re.search(r"^\.PHONY: (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
every_workflow = pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.name)


def _jobs(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text())["jobs"])


def _scripts(path: Path) -> Iterator[str]:
    for job in _jobs(path).values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


@pytest.mark.skipif(shutil.which("go") is None, reason="Go builds actionlint; none is on PATH")
def test_actionlint_finds_nothing() -> None:
    assert _WORKFLOWS
    shellcheck = Path(sys.executable).parent / "shellcheck"
    scripts = ["-shellcheck", str(shellcheck)] if shellcheck.exists() else []
    done = subprocess.run(
        ["go", "tool", "actionlint", "-no-color", *scripts, *map(str, _WORKFLOWS)],
        cwd=Path(__file__).parent / "actionlint",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CGO_ENABLED": "0"},
    )

    assert done.returncode == 0, done.stdout + done.stderr


@every_workflow
def test_actions_are_pinned_to_a_commit_that_says_its_version(path: Path) -> None:
    for line in path.read_text().splitlines():
        if "uses:" in line:
            assert _PINNED.match(line), line


@every_workflow
def test_a_workflow_may_only_read_and_its_jobs_end(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())

    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 90, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


@every_workflow
def test_no_secret_is_there_for_pull_requests(path: Path) -> None:
    # YAML 1.1 takes the bare word `on` for a flag.
    events = yaml.safe_load(path.read_text())[True]

    assert "pull_request_target" not in events
    assert "pull_request" not in events or "secrets." not in path.read_text()


@every_workflow
def test_make_has_every_target_that_is_called(path: Path) -> None:
    assert _TARGETS
    for script in _scripts(path):
        for target in re.findall(r"^\s*make ([\w-]+)", script, re.MULTILINE):
            assert target in _TARGETS[1].split()


@every_workflow
def test_every_path_that_is_named_exists(path: Path) -> None:
    texts = list(_scripts(path))
    for job in _jobs(path).values():
        texts += [str(value) for step in job["steps"] for value in step.get("with", {}).values()]
    for text in texts:
        for named in _PATH.findall(text):
            if "*" not in named:
                assert (REPOSITORY / named).exists() or list(REPOSITORY.glob(named)), named


@every_workflow
def test_every_setting_of_a_chart_that_is_given_exists(path: Path) -> None:
    for script in _scripts(path):
        chart = None
        for word in script.replace("\\\n", " ").split():
            chart = word if re.fullmatch(r"charts/[\w-]+", word) else chart
            given = re.fullmatch(r'"?([a-z]\w*(?:\.\w+)+|image\.tag)=.*', word)
            if chart and given:
                values = yaml.safe_load((REPOSITORY / chart / "values.yaml").read_text())
                for part in given[1].split("."):
                    assert part in values, f"{given[1]} is no value of {chart}"
                    values = values[part]


def test_every_component_has_its_image_made() -> None:
    release = next(path for path in _WORKFLOWS if path.name == "release.yml")
    matrix = _jobs(release)["images"]["strategy"]["matrix"]["include"]

    shipped = {path.parent.name for path in REPOSITORY.glob("*/Dockerfile")}
    assert {each["folder"] for each in matrix} == shipped
    for script in _scripts(next(path for path in _WORKFLOWS if path.name == "kind.yml")):
        loaded = re.search(r"for component in ([\w ]+); do", script)
        assert not loaded or set(loaded[1].split()) == {each["component"] for each in matrix}


def test_images_come_with_what_is_in_them_and_where_they_are_from() -> None:
    release = next(path for path in _WORKFLOWS if path.name == "release.yml")
    steps = _jobs(release)["images"]["steps"]

    (build,) = (step["with"] for step in steps if "build-push-action" in step.get("uses", ""))
    assert build["sbom"] is True
    assert build["provenance"] == "mode=max"
