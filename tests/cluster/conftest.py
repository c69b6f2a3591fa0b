"""A Kubernetes API, a broker with the job, and the operator between them, all real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.api_server import KubernetesApi
from tests.cluster.cluster import Cluster
from tests.cluster.definitions import install_definitions
from tests.cluster.given import KUBECONFIG, GivenCluster, given_kubeconfig
from tests.cluster.platform import Platform, running_platform
from tests.integration.conftest import fetched_jars

__all__ = ["fetched_jars"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what would disturb others, where the cluster is not the tests' own."""
    for item in items:
        marker = item.get_closest_marker("own_cluster")
        if marker is not None and given_kubeconfig() is not None:
            reason = f"{marker.args[0]}: not where {KUBECONFIG} leads to"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Kubernetes that knows DetectorConfigs and FlinkDeployments."""
    folder, given = tmp_path_factory.mktemp("kubernetes"), given_kubeconfig()
    api = KubernetesApi(folder) if given is None else GivenCluster(folder, given)
    try:
        api.start()
        install_definitions(api)
        yield api
    finally:
        api.stop()


@pytest.fixture(scope="session")
def platform(
    api: Cluster, tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path
) -> Iterator[Platform]:
    """The job on two TaskManagers, and the operator, for tests that use configs of their own."""
    home = tmp_path_factory.mktemp("operator")
    with running_platform(api, home, fetched_jars, taskmanagers=2, started=2) as platform:
        yield platform
