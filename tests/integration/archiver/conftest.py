from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.archiver.archive_stand import ArchiveStand

from cardwatch_local.endpoints import Endpoints
from cardwatch_local.postgres import PostgresServer
from cardwatch_local.settings import StackSettings


@pytest.fixture
def stand(tmp_path: Path, stack_without_job: Endpoints) -> Iterator[ArchiveStand]:
    """Empty topics, an empty PostgreSQL; archivers that the test starts are ended with it."""
    server = PostgresServer(StackSettings(home=tmp_path / "home", name="archive"))
    server.start()
    try:
        server.wait_ready()
        stand = ArchiveStand(stack_without_job.bootstrap_servers, server, tmp_path / "archiver.log")
        try:
            stand.remake_topics()
            yield stand
        finally:
            stand.stop()
    finally:
        server.stop()
