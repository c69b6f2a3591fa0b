"""A visualizer for the tests of a module, with an archive of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.gateway.postgres import running_archive
from tests.integration.visualizer.running import RunningVisualizer, running_visualizer

from cardwatch_contracts.database_settings import URL
from cardwatch_local.endpoints import Endpoints


@pytest.fixture(scope="session")
def archive_url() -> Iterator[str]:
    with running_archive() as url:
        yield url


@pytest.fixture(scope="module")
def visualizer(
    stack_without_job: Endpoints, archive_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningVisualizer]:
    folder: Path = tmp_path_factory.mktemp("visualizer")
    with running_visualizer(stack_without_job, folder, environment={URL: archive_url}) as running:
        yield running
