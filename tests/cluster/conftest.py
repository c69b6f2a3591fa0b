"""A Kubernetes API, a broker with the job, and the operator between them, all real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.api_server import KubernetesApi
from tests.cluster.definitions import install_definitions
from tests.cluster.platform import Platform, running_platform
from tests.integration.conftest import fetched_jars

__all__ = ["fetched_jars"]


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    """A Kubernetes API that knows DetectorConfigs and FlinkDeployments."""
    api = KubernetesApi(tmp_path_factory.mktemp("kubernetes"))
    try:
        api.start()
        install_definitions(api)
        yield api
    finally:
        api.stop()


@pytest.fixture(scope="session")
def platform(
    api: KubernetesApi, tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path
) -> Iterator[Platform]:
    """The job on two TaskManagers, and the operator, for tests that use configs of their own."""
    home = tmp_path_factory.mktemp("operator")
    with running_platform(api, home, fetched_jars, taskmanagers=2, started=2) as platform:
        yield platform
