"""Guides for Kubernetes: their commands and settings exist, their arithmetic is right."""

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.unit.project.fences import commands, fences
from tests.unit.project.machine import REPOSITORY

_GUIDES: Final = [
    REPOSITORY / f"docs/{name}.md" for name in ("install", "upgrade", "uninstall", "scale")
]
_CHARTS: Final = ("charts/cardwatch", "charts/cardwatch-operators")
_MAKEFILE: Final = (REPOSITORY / "Makefile").read_text()
_PATH: Final = re.compile(r"(?<![\w./-])(?:charts|k8s|scripts)/[\w./-]*\w")
_SETTING: Final = re.compile(r"`([a-z]\w*(?:\.[a-zA-Z]\w*)+)(?:: [^`]*)?`")
_GIVEN: Final = re.compile(r"--set (\S+?)=")
every_guide = pytest.mark.parametrize("guide", _GUIDES, ids=lambda path: path.name)


def _values(chart: str) -> Any:
    return yaml.safe_load((REPOSITORY / chart / "values.yaml").read_text())


def _has(values: Any, path: str) -> bool:
    for part in path.split("."):
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _paths(values: Any, prefix: str = "") -> Iterator[str]:
    """Return the paths of what is set, such as `job.storage.uri`."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@every_guide
def test_settings_that_are_named_are_values_of_a_chart(guide: Path) -> None:
    charts = [_values(chart) for chart in _CHARTS]
    text = guide.read_text()
    named = [
        path
        for path in _SETTING.findall(text)
        if any(path.partition(".")[0] in values for values in charts)
    ]
    for path in [*named, *_GIVEN.findall(text.replace("\n", " "))]:
        assert any(_has(values, path) for values in charts), path


def test_the_values_that_are_shown_are_those_of_the_platform() -> None:
    (shown,) = fences((REPOSITORY / "docs/install.md").read_text(), "yaml")
    for path in _paths(yaml.safe_load(shown)):
        assert _has(_values("charts/cardwatch"), path), path


@every_guide
def test_commands_name_what_exists(guide: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _MAKEFILE, re.MULTILINE))
    for command in commands(guide.read_text()):
        for target in re.findall(r"\bmake ([a-z-]+)", command.line):
            assert target in targets, command.line
        for path in _PATH.findall(command.line):
            # What Helm fetches into charts/ of a chart is not there before.
            assert (REPOSITORY / path.removesuffix("/charts")).exists(), command.line


def test_images_are_loaded_by_the_version_they_are_built_with() -> None:
    version = re.search(r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text(), re.M)
    assert version
    shipped = {"job" if path.parent.name == "flink_job" else path.parent.name
               for path in REPOSITORY.glob("*/Dockerfile")}  # fmt: skip
    loops = re.findall(
        r"for image in ([\w ]+); do .* cardwatch/\$image:(\S+?)(?:;| )",
        (REPOSITORY / "docs/install.md").read_text(),
    )
    assert len(loops) == 2
    for names, tag in loops:
        assert set(names.split()) == shipped
        assert tag == version[1]


def test_the_arithmetic_of_scale_gives_what_is_shown() -> None:
    text = (REPOSITORY / "docs/scale.md").read_text()
    (program,) = fences(text, "python")
    (shown,) = fences(text, "text")

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(program, "docs/scale.md", "exec"), {})

    assert printed.getvalue() == shown
