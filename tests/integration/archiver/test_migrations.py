"""Numbered migrations on a real PostgreSQL, and what is said of those that do not fit."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from cardwatch_archiver.database import Connection
from cardwatch_archiver.position import StoreAwayError
from cardwatch_archiver.schema import Migration, MigrationError, Schema, load_migrations
from cardwatch_local.postgres import PostgresServer
from cardwatch_local.settings import StackSettings

SLOW = Migration(
    version=1, name="slow", text="SELECT pg_sleep(1.2); CREATE TABLE slow (number integer);"
)
BROKEN = Migration(version=2, name="broken", text="CREATE TABLE half (); CREATE TABLE slow ();")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(StackSettings(home=tmp_path / "home", name="migrations"))
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture
def connection(server: PostgresServer) -> Iterator[Connection]:
    connection = Connection(server.database, timeout_s=1.0)
    yield connection
    connection.close()


def ask(server: PostgresServer, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url, password=server.database.password()) as connection:
        return connection.execute(query.encode(), values).fetchall()


def test_they_are_applied_once_however_many_begin_at_once(server: PostgresServer) -> None:
    def migrate() -> None:
        connection = Connection(server.database, timeout_s=1.0)
        Schema([SLOW]).ensure(connection)
        connection.close()

    threads = [Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ask(server, "SELECT version, name, sha256 FROM schema_migrations") == [
        (1, "slow", SLOW.checksum)
    ]
    assert ask(server, "SELECT count(*) FROM slow") == [(0,)]


def test_one_that_fails_leaves_nothing_behind(
    server: PostgresServer, connection: Connection
) -> None:
    with pytest.raises(StoreAwayError, match='42P07 relation "slow" already exists'):
        Schema([SLOW, BROKEN]).ensure(connection)
    assert ask(server, "SELECT version FROM schema_migrations") == [(1,)]
    assert ask(server, "SELECT to_regclass('half')") == [(None,)]


def test_a_database_of_a_newer_version_is_left_alone(connection: Connection) -> None:
    known = load_migrations()
    newer = Migration(version=len(known) + 1, name="newer", text="CREATE TABLE newer ()")
    Schema([*known, newer]).ensure(connection)
    with pytest.raises(MigrationError, match="start the version that brought it"):
        Schema(known).ensure(connection)


def test_a_user_without_rights_is_named_what_is_missing(server: PostgresServer) -> None:
    with psycopg.connect(server.url, password=server.database.password()) as admin:
        admin.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    url = server.url.replace("//cardwatch@", "//guest:guest@")
    guest = Connection(type(server.database)(url=url), timeout_s=5.0)
    with pytest.raises(StoreAwayError, match="42501 permission denied for schema public"):
        Schema().ensure(guest)
    guest.close()
