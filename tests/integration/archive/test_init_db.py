"""`cardwatch init-db` on a real PostgreSQL: what it makes, what it says, what it leaves alone."""

import uuid
from collections.abc import Iterator

import pytest
from tests.integration.archive.archived import Archived, migrations
from tests.integration.archive.postgres_server import PostgresServer
from typer.testing import CliRunner, Result

from cardwatch_archiver.database import Connection
from cardwatch_archiver.schema import Schema, load_migrations
from cardwatch_contracts.database_settings import Database
from cardwatch_local.cli import app
from cardwatch_local.errors import StackError
from cardwatch_local.ports import free_ports

NAMES = [name.removesuffix(".sql") for name, _ in migrations()]


@pytest.fixture
def empty(postgres: PostgresServer) -> Iterator[Archived]:
    """A database without a table."""
    archived = Archived(postgres, f"init_{uuid.uuid4().hex[:12]}")
    yield archived
    archived.close()


def _init(url: str, *arguments: str) -> Result:
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    return runner.invoke(app, ["init-db", "--database-url", url, *arguments])


def _refused(url: str) -> str:
    result = _init(url)
    assert isinstance(result.exception, StackError), result.output
    return str(result.exception)


def test_it_makes_the_tables_once_and_says_what_it_did(empty: Archived) -> None:
    planned = _init(empty.url, "--dry-run")
    assert planned.output.splitlines() == [f"{name} would be applied" for name in NAMES]
    assert empty.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []

    made = _init(empty.url)
    assert made.exit_code == 0, made.exception
    assert "bring the tables up to date: done in " in made.output
    assert made.stdout.splitlines() == [f"{name} applied" for name in NAMES]
    assert empty.rows("SELECT count(*) FROM analytics.transactions") == [(0,)]
    at = empty.rows("SELECT version, applied_at FROM schema_migrations")

    for arguments in ((), ("--dry-run",)):
        again = _init(empty.url, *arguments)
        assert again.stdout == "the archive's tables are up to date\n"
    assert empty.rows("SELECT version, applied_at FROM schema_migrations") == at


def test_only_what_is_missing_is_applied(empty: Archived) -> None:
    connection = Connection(Database(url=empty.url), timeout_s=30.0)
    Schema(load_migrations()[:-1]).ensure(connection)
    connection.close()
    assert _init(empty.url, "--dry-run").output == f"{NAMES[-1]} would be applied\n"
    assert _init(empty.url).stdout == f"{NAMES[-1]} applied\n"


def test_a_newer_database_is_left_alone(empty: Archived) -> None:
    _init(empty.url)
    empty.connection.execute(
        b"INSERT INTO schema_migrations (version, name, sha256) VALUES (9999, 'later', 'x')"
    )
    assert "has migration 9999_later, this version of Cardwatch ends at" in _refused(empty.url)


def test_one_that_does_not_answer_is_named_without_its_password() -> None:
    (port,) = free_ports(1)
    said = _refused(f"postgresql://ana:secret@127.0.0.1:{port}/cards")
    assert said.startswith(f"PostgreSQL at postgresql://ana@127.0.0.1:{port}/cards: ")
    assert "refused" in said
    assert "secret" not in said


def test_what_is_no_address_is_named() -> None:
    assert "--database-url: the database's URL: allowed is postgresql://" in _refused("db:5432")
