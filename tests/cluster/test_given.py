"""A cluster that was there before the tests is as it was when they are done."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from tests.cluster.api_server import KubernetesApi
from tests.cluster.cluster import Cluster
from tests.cluster.definitions import install_definitions, install_upstream
from tests.cluster.given import GivenCluster
from tests.integration.job.feed import wait_until

pytestmark = [
    pytest.mark.timeout(1500),  # the first test builds Kubernetes, where nobody has yet
    pytest.mark.own_cluster("stands in for a cluster that is given"),
]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    """A cluster of somebody else's, without kinds of ours, that removes namespaces."""
    api = KubernetesApi(tmp_path_factory.mktemp("other"))
    try:
        api.start()
        wait_until(lambda: "namespace/kube-node-lease" in _all_of(api), "its own namespaces")
        controllers = api.controllers("--controllers=namespace-controller")
        controllers.start()
        try:
            yield api
        finally:
            controllers.stop()
    finally:
        api.stop()


@pytest.fixture
def that_knows_us(other: KubernetesApi) -> Iterator[KubernetesApi]:
    """The same, with our kind and Flink's."""
    install_definitions(other)
    yield other
    other.kubectl("delete", "crd", *other.defined)
    other.defined.clear()


@contextmanager
def given_to_tests(cluster: Cluster, folder: Path) -> Iterator[GivenCluster]:
    given = GivenCluster(folder, cluster.kubeconfig)
    given.start()
    try:
        yield given
    finally:
        given.stop()


def test_nothing_is_left_behind(other: KubernetesApi, tmp_path: Path) -> None:
    before = _all_of(other)
    with given_to_tests(other, tmp_path) as given:
        install_definitions(given)
        install_upstream(given)
        given.kubectl("create", "serviceaccount", "cardwatch-operator")
        account = ("serviceaccount/cardwatch-operator", "-n", given.namespace)
        assert other.kubectl("get", *account, check=False).returncode == 0
        operator = yaml.safe_load(given.kubeconfig_of_operator(given.namespace).read_text("utf-8"))
        assert operator["contexts"][0]["context"]["namespace"] == given.namespace
        assert _all_of(other) > before
    assert _all_of(other) == before


def test_kinds_that_were_there_stay(that_knows_us: KubernetesApi, tmp_path: Path) -> None:
    before = _all_of(that_knows_us)
    with given_to_tests(that_knows_us, tmp_path) as given:
        install_definitions(given)
        assert given.defined == []
    assert _all_of(that_knows_us) == before


def test_another_definition_of_our_kind_is_refused(
    that_knows_us: KubernetesApi, tmp_path: Path
) -> None:
    patch = '[{"op": "remove", "path": "/spec/names/shortNames"}]'
    that_knows_us.kubectl(
        "patch", "crd", "detectorconfigs.cardwatch.dev", "--type=json", "-p", patch
    )
    with (
        given_to_tests(that_knows_us, tmp_path) as given,
        pytest.raises(RuntimeError, match="is not the one of these sources"),
    ):
        install_definitions(given)


def _all_of(cluster: Cluster) -> set[str]:
    shown = cluster.kubectl("get", "namespaces,crd,clusterroles,clusterrolebindings", "-o", "name")
    return set(shown.stdout.split())
