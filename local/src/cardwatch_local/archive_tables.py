"""The archive's tables, brought up to date on request: the archiver's own migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cardwatch_archiver.database import Connection
from cardwatch_archiver.position import RecordsRefusedError, StoreAwayError
from cardwatch_archiver.schema import Migration, MigrationError, Schema
from cardwatch_contracts.database_settings import Database, DatabaseSettingsError
from cardwatch_local.errors import StackError
from cardwatch_local.progress import StepListener

_TIMEOUT_S: Final = 30.0


def look(url: str) -> list[Migration]:
    """Return the migrations that are still to be applied, in order; nothing is changed.

    Raises:
        StackError: the database does not answer, or is of another version.
    """
    with _opened(url) as connection:
        return Schema().left(connection)


def migrate(url: str, steps: StepListener) -> list[Migration]:
    """Apply what is still to be applied; return what was.

    Raises:
        StackError: as `look` does, or a migration failed; those before it stay applied.
    """
    done: list[Migration] = []
    step = "bring the tables up to date"

    def applied(migration: Migration) -> None:
        done.append(migration)
        steps.advanced(step, len(done))

    with _opened(url) as connection:
        schema = Schema()
        steps.started(step, len(schema.left(connection)))
        schema.ensure(connection, applied)
        steps.finished(step)
    return done


@contextmanager
def _opened(url: str) -> Iterator[Connection]:
    try:
        database = Database(url=url)
    except DatabaseSettingsError as error:
        raise StackError(f"--database-url: {error}") from None
    connection = Connection(database, timeout_s=_TIMEOUT_S)
    try:
        yield connection
    except (MigrationError, StoreAwayError, RecordsRefusedError) as error:
        raise StackError(f"PostgreSQL at {database}: {error}") from None
    finally:
        connection.close()
