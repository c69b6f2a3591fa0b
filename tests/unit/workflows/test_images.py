"""Images hold what they run."""

import re

from tests.unit.project.machine import REPOSITORY


def test_every_package_that_is_built_reaches_docker() -> None:
    """Hatch leaves out what is not there, so an image without its own package is built too."""
    project = (REPOSITORY / "pyproject.toml").read_text("utf-8")
    packages = set(re.findall(r'"(\w+/src)/cardwatch_\w+",', project))
    allowed = (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()
    components = {path.parent.name for path in REPOSITORY.glob("*/Dockerfile")}
    assert {f"{component}/src" for component in components} <= packages
    assert {f"!{package}" for package in packages} <= set(allowed)
