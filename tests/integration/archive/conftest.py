"""The archive in a real PostgreSQL: a database of its own for each test."""

import uuid
from collections.abc import Iterator

import pytest
from tests.integration.archive.archived import Archived
from tests.integration.archive.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def archived(postgres: PostgresServer) -> Iterator[Archived]:
    """The archive's tables and views, without a row."""
    database = f"archive_{uuid.uuid4().hex[:12]}"
    archived = Archived(postgres, database)
    try:
        archived.migrate()
        yield archived
    finally:
        archived.close()
