"""The samples in `k8s/detectorconfigs` can be applied, all together."""

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.unit.project.machine import REPOSITORY

from cardwatch_contracts.detector_config import DetectorConfig, DetectorConfigSpec
from cardwatch_local.configs.documents import parse_documents
from cardwatch_operator.conflicts import Claims
from cardwatch_operator.resources import Resource

_SAMPLES = sorted((REPOSITORY / "k8s/detectorconfigs").glob("*.yaml"))
_DEFAULTS: dict[str, Any] = msgspec.to_builtins(DetectorConfigSpec())

every_sample = pytest.mark.parametrize("path", _SAMPLES, ids=lambda path: path.name)


def _parse(path: Path) -> list[DetectorConfig]:
    return parse_documents(path.read_text("utf-8"), source=path.name)


def _values(spec: dict[str, Any]) -> Iterator[tuple[str, str, object]]:
    """Return detector, field and value of all that a spec gives."""
    for detector, settings in spec.get("detectors", {}).items():
        for field, value in settings.items():
            yield detector, field, value


def test_there_are_samples() -> None:
    assert len(_SAMPLES) >= 4


@every_sample
def test_a_sample_says_on_top_for_whom_it_is(path: Path) -> None:
    comment, _, _ = path.read_text("utf-8").partition("apiVersion:")

    lines = comment.splitlines()
    assert 2 <= len(lines) <= 4
    assert lines[0].startswith("# For ")
    assert all(line.startswith("# ") and len(line) <= 100 for line in lines)


@every_sample
def test_a_sample_is_named_as_its_file(path: Path) -> None:
    names = [config.metadata.name for config in _parse(path)]

    assert names == ["default" if path.name == "defaults.yaml" else path.stem]


@every_sample
def test_a_sample_gives_only_what_differs_from_the_defaults(path: Path) -> None:
    spec = yaml.safe_load(path.read_text("utf-8"))["spec"]

    same = [
        (detector, field)
        for detector, field, value in _values(spec)
        if _DEFAULTS["detectors"][detector][field] == value
    ]
    assert same == []


def test_no_two_samples_conflict_unless_a_comment_says_so() -> None:
    """The comment is `# Conflicts with NAME`, in the file of either."""
    texts = {}
    resources = []
    for path in _SAMPLES:
        for config in _parse(path):
            name = config.metadata.name
            assert name not in texts, f"{name} is in two files"
            texts[name] = path.read_text("utf-8")
            resources.append(_resource(config))

    for one, other in combinations(resources, 2):
        said = texts[one.name] + texts[other.name]
        if not re.search(rf"# Conflicts with ({one.name}|{other.name})\b", said):
            assert not Claims.of([one, other]).winners, (one.name, other.name)


def test_the_comments_of_the_defaults_are_the_defaults() -> None:
    text = (REPOSITORY / "k8s/detectorconfigs/defaults.yaml").read_text("utf-8")

    uncommented = yaml.safe_load(re.sub(r"^  # ", "  ", text, flags=re.MULTILINE))["spec"]

    assert uncommented["detectors"] == _DEFAULTS["detectors"]
    assert {**_DEFAULTS, **uncommented} == _DEFAULTS
    assert set(_DEFAULTS) - set(uncommented) == {"effectiveFrom", "model"}, "they have no default"


def _resource(config: DetectorConfig) -> Resource:
    return Resource(
        name=config.metadata.name,
        namespace="default",
        uid=config.metadata.name,
        revision=1,
        created_at=0,
        spec=config.spec,
        status={},
    )
