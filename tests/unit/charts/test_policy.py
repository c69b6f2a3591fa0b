"""kube-score finds nothing in the charts that is not excused where it is."""

from pathlib import Path
from typing import Final

import pytest
from tests.unit.charts.pods import pod_templates
from tests.unit.charts.policy import IGNORE, Finding, exceptions, report
from tests.unit.charts.rendering import (
    EVERYTHING,
    FIRST_BUILD_S,
    OPERATORS,
    PROFILES,
    Document,
    render,
    without_dependencies,
)

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_ALL_OF_THE_OPERATORS: Final = (
    "operator.watchNamespace=",
    "operator.serviceMonitor.enabled=true",
    "operator.podLabels.team=fraud",
    "operator.podAnnotations.seen=yes",
    "operator.nodeSelector.disk=ssd",
    "operator.imagePullSecrets[0].name=registry",
)


@pytest.fixture(params=[*PROFILES, "everything", "operators", "all of the operators"])
def documents(request: pytest.FixtureRequest, tmp_path: Path) -> list[Document]:
    if request.param == "everything":
        return render(*EVERYTHING)
    if request.param.endswith("operators"):
        given = _ALL_OF_THE_OPERATORS if request.param.startswith("all") else ()
        return render(*given, chart=without_dependencies(OPERATORS, tmp_path))
    return render(profile=request.param)


def test_nothing_is_found_that_is_not_excused(documents: list[Document]) -> None:
    assert report(documents).findings == set()


def test_everything_that_is_excused_would_be_found(documents: list[Document]) -> None:
    found = report(documents, "--disable-ignore-checks-annotations").findings
    assert exceptions(documents) - found == set()


def test_every_pod_is_looked_at(documents: list[Document]) -> None:
    owners = {pod.owner for pod in pod_templates(documents) if pod.complete}
    if any(document["kind"] == "FlinkDeployment" for document in documents):
        owners |= {"Pod cardwatch-jobmanager", "Pod cardwatch-taskmanager"}
    assert owners
    assert owners <= report(documents).checked


def test_a_bad_pod_is_found() -> None:
    container = {"name": "bad", "image": "bad:latest", "securityContext": {"privileged": True}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bad"},
        "spec": {"containers": [container]},
    }
    found = report([pod]).findings
    assert {
        Finding("Pod bad", check)
        for check in (
            "container-image-tag",
            "container-resources",
            "container-seccomp-profile",
            "container-security-context-privileged",
            "container-security-context-readonlyrootfilesystem",
            "container-security-context-user-group-id",
            "pod-networkpolicy",
        )
    } <= found


def test_an_exception_excuses_from_its_own_check_alone(documents: list[Document]) -> None:
    excused = next(d for d in documents if IGNORE in (d["metadata"].get("annotations") or {}))
    without = {**excused, "metadata": {**excused["metadata"], "annotations": {}}}
    others = [document for document in documents if document is not excused]
    assert report([without, *others]).findings == exceptions([excused])
