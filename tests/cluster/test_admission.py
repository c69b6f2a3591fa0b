"""What the charts make, shown to a real Kubernetes API, which says whether it would take it.

It judges by more than the shape: by admission, by Pod Security, by the rules in CEL of Strimzi's
kinds. Nothing is made.
"""

import copy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.cluster.cluster import Cluster
from tests.cluster.definitions import install_upstream
from tests.cluster.given import given_kubeconfig
from tests.integration.job.feed import wait_until
from tests.unit.charts.rendering import (
    EVERYTHING,
    FIRST_BUILD_S,
    OPERATORS,
    PROFILES,
    Document,
    only,
    render,
    without_dependencies,
)

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_ELSEWHERE: Final = ("PodMonitor", "PrometheusRule", "ServiceMonitor")
"""Kinds whose definitions are not at hand."""


class Namespace:
    """A namespace for Cardwatch as docs/install.md makes it, and what it would take."""

    def __init__(self, api: Cluster) -> None:
        self.name = f"{api.namespace}-charts"
        self._api = api
        api.kubectl("create", "namespace", self.name)
        modes = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
        api.kubectl("label", "namespace", self.name, *modes)
        if given_kubeconfig() is not None:
            wait_until(self._has_account, "the namespace to have its account")

    def _has_account(self) -> bool:
        account = ("serviceaccount", "default", "--namespace", self.name)
        return self._api.kubectl("get", *account, check=False).returncode == 0

    def remove(self) -> None:
        self._api.kubectl("delete", "namespace", self.name, "--wait=false")

    def show(self, documents: list[Document]) -> "subprocess.CompletedProcess[str]":
        """Ask whether documents would be taken; what is said of them is on standard error."""
        known = [self._moved(document) for document in documents if _is_known(document)]
        return self._api.kubectl(
            *("apply", "--server-side", "--force-conflicts", "--dry-run=server"),
            *("--validate=strict", "--namespace", self.name, "-f", "-"),
            stdin=yaml.safe_dump_all(known),
            check=False,
        )

    def _moved(self, document: Document) -> Document:
        """Return a document that names a namespace with this one's name."""
        metadata = document["metadata"]
        named = {"namespace": self.name} if "namespace" in metadata else {}
        return {**document, "metadata": {**metadata, **named}}


@pytest.fixture(scope="module")
def namespace(api: Cluster) -> Iterator[Namespace]:
    install_upstream(api)
    namespace = Namespace(api)
    yield namespace
    namespace.remove()


def test_all_of_it_at_once_would_be_taken_without_a_warning(namespace: Namespace) -> None:
    documents = render(*EVERYTHING)
    kinds = {document["kind"] for document in documents}
    assert {"HorizontalPodAutoscaler", "Ingress", "NetworkPolicy", "PodDisruptionBudget"} <= kinds
    shown = namespace.show(documents)
    assert (shown.returncode, shown.stderr) == (0, "")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_would_be_taken_without_a_warning(namespace: Namespace, profile: str) -> None:
    shown = namespace.show(render(profile=profile))
    assert (shown.returncode, shown.stderr) == (0, "")


@pytest.mark.parametrize("profile", ["values.yaml", "values-production.yaml"])
def test_the_operators_would_be_taken_without_a_warning(
    namespace: Namespace, profile: str, tmp_path: Path
) -> None:
    chart = without_dependencies(OPERATORS, tmp_path)
    shown = namespace.show(render(profile=profile, chart=chart))
    assert (shown.returncode, shown.stderr) == (0, "")


@pytest.mark.parametrize(
    ("kind", "path", "value", "words"),
    [
        ("Ingress", "spec/rules/0/http/paths/0/path", "v1", "must be an absolute path"),
        ("NetworkPolicy", "spec/ingress/0/ports/0/port", 70_000, "must be between 1 and 65535"),
        ("HorizontalPodAutoscaler", "spec/maxReplicas", 0, "greater than 0"),
        ("PodDisruptionBudget", "spec/minAvailable", 1, "cannot be both set"),
        ("Deployment", "spec/template/spec/hostNetwork", True, "would violate PodSecurity"),
    ],
)
def test_what_is_wrong_in_a_way_that_no_schema_knows_is_seen(
    namespace: Namespace, kind: str, path: str, value: Any, words: str
) -> None:
    document = next(d for d in render(*EVERYTHING) if d["kind"] == kind and _has(d, path))
    assert words in namespace.show([_changed(document, path, value)]).stderr


def test_strimzi_s_own_rules_are_asked(namespace: Namespace) -> None:
    user = only(render(*EVERYTHING), "KafkaUser", "cardwatch-archiver")
    wrong = _changed(user, "spec/authentication/validityDays", 30)
    assert "can be configured only with" in namespace.show([wrong]).stderr


def _is_known(document: Document) -> bool:
    return document["kind"] not in _ELSEWHERE


def _has(document: Document, path: str) -> bool:
    try:
        _parent(document, path)
    except (KeyError, IndexError):
        return False
    return True


def _changed(document: Document, path: str, value: Any) -> Document:
    changed = copy.deepcopy(document)
    _parent(changed, path)[path.rpartition("/")[2]] = value
    return changed


def _parent(document: Document, path: str) -> Any:
    """Return what has the last part of a path such as `spec/rules/0/http`."""
    found: Any = document
    for part in path.split("/")[:-1]:
        found = found[int(part)] if part.isdigit() else found[part]
    return found
