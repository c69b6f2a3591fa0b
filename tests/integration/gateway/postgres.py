"""A PostgreSQL with the archive's tables, for the tests of a module."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from cardwatch_archiver.database import Connection
from cardwatch_archiver.schema import Schema
from cardwatch_local.postgres import PostgresServer
from cardwatch_local.settings import StackSettings

_PATIENCE_S: Final = 60.0


@contextmanager
def running_archive() -> Iterator[str]:
    """Run a server with the archive's empty tables; give its URL, password included."""
    with tempfile.TemporaryDirectory(prefix="cardwatch-test-postgres-") as home:
        server = PostgresServer(StackSettings(home=Path(home), name="archive"))
        server.start()
        try:
            server.wait_ready()
            migrating = Connection(server.database, timeout_s=_PATIENCE_S)
            Schema().ensure(migrating)
            migrating.close()
            url = server.url.replace("@", f":{server.database.password()}@")
            with psycopg.connect(url) as connection:
                for table in ("transactions", "alerts"):
                    connection.execute(
                        f"CREATE TABLE {table}_all PARTITION OF {table} DEFAULT".encode()
                    )
            yield url
        finally:
            server.stop()
