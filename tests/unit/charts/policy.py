"""What kube-score finds in the objects that charts make.

It knows neither FlinkDeployments nor Strimzi's kinds. Flink's pods are shown to it as those of the
operators' stand-in; Strimzi's, of which the chart says little, are left to test_pods.py.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest
import yaml
from tests.cluster.programs import built
from tests.cluster.standins.flink_pods import jobmanager_pod, taskmanager_pod
from tests.unit.charts.rendering import Document

IGNORE: Final = "kube-score/ignore"
"""Annotation of an object: the checks that it need not pass, separated by commas."""
_ACCEPTABLE: Final = 7
"""Lower grades are `WARNING` and `CRITICAL`."""
_OPTIONAL: Final = ("container-seccomp-profile", "container-ports-check")
_OPTIONS: Final = (
    "--kubernetes-version=v1.36",
    # What stops at a limit while processors are idle only becomes late.
    "--ignore-container-cpu-limit",
    *(f"--enable-optional-test={check}" for check in _OPTIONAL),
)


class Finding(NamedTuple):
    """A check that an object does not pass."""

    owner: str
    """Kind and name of the object."""
    check: str


class Report(NamedTuple):
    """What kube-score says."""

    checked: set[str]
    """Kind and name of every object that it knows."""
    findings: set[Finding]


def report(documents: list[Document], *options: str) -> Report:
    """Have kube-score check objects. Without Go, which builds it, the test is skipped."""
    try:
        program = built("kube-score")
    except RuntimeError as error:
        pytest.skip(str(error))
    shown = [shown for document in documents for shown in _shown(document)]
    done = subprocess.run(
        [str(program), "score", "--output-format=json", *_OPTIONS, *options, "-"],
        input=yaml.safe_dump_all(shown),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # 1: there are findings.
    assert done.returncode in (0, 1), done.stderr
    checked, findings = set(), set()
    for scored in json.loads(done.stdout):
        owner = f"{scored['type_meta']['kind']} {scored['object_meta']['name']}"
        checked.add(owner)
        for each in scored["checks"]:
            if not each["skipped"] and each["grade"] < _ACCEPTABLE:
                findings.add(Finding(owner, each["check"]["id"]))
    return Report(checked, findings)


def exceptions(documents: list[Document]) -> set[Finding]:
    """Return what objects are excused from."""
    return {
        Finding(f"{shown['kind']} {shown['metadata']['name']}", check.strip())
        for document in documents
        for shown in _shown(document)
        for check in (shown["metadata"].get("annotations") or {}).get(IGNORE, "").split(",")
        if check.strip()
    }


def _shown(document: Document) -> Iterator[Document]:
    """Yield what kube-score is to see of an object."""
    if document["kind"] != "FlinkDeployment":
        yield document
        return
    name, spec = document["metadata"]["name"], document["spec"]
    pods = {
        "jobmanager": jobmanager_pod(spec, name=name, savepoint=None),
        "taskmanager": taskmanager_pod(spec, name=name),
    }
    for component, pod in pods.items():
        metadata = {
            **pod["metadata"],
            "name": f"{name}-{component}",
            "annotations": document["metadata"].get("annotations") or {},
        }
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]}
