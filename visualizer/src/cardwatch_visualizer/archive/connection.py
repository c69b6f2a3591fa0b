"""The archive in PostgreSQL, read only, within bounds of connections and time."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg import Connection, Error
from psycopg.errors import QueryCanceled
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Composed
from psycopg_pool import ConnectionPool, PoolTimeout

from cardwatch_contracts.database_settings import Database

_MOST_WAITING: Final = 50
_WAIT_S: Final = 2.0

Query = SQL | Composed


class ArchiveAwayError(Exception):
    """The archive does not answer, or there is none; the message says so to a person."""


class Archive:
    """Asks the archive.

    Args:
        database: where it is; None: there is none, and every question is refused.
        most_connections: how many questions may be asked at a time.
        statement_ms: how long each may take. Milliseconds.
    """

    def __init__(
        self, database: Database | None, *, most_connections: int = 4, statement_ms: int = 5_000
    ) -> None:
        self._pool: ConnectionPool[Connection[DictRow]] | None = None
        self._statement_ms = statement_ms
        if database is not None:
            options = f"-c default_transaction_read_only=on -c statement_timeout={statement_ms}"
            password = database.password()
            self._pool = ConnectionPool(
                database.url,
                kwargs={
                    "row_factory": dict_row,
                    "options": options,
                    "connect_timeout": 3,
                    "application_name": "cardwatch-visualizer",
                    **({"password": password} if password else {}),
                },
                min_size=0,
                max_size=most_connections,
                max_waiting=_MOST_WAITING,
                timeout=_WAIT_S,
                reconnect_timeout=_WAIT_S,
                open=False,
                name="archive",
            )

    def open(self) -> None:
        """Begin; the database need not be there yet."""
        if self._pool is not None:
            self._pool.open(wait=False)

    def close(self) -> None:
        """Let go of the database."""
        if self._pool is not None:
            self._pool.close(timeout=_WAIT_S)

    def ask(self, query: Query, values: Mapping[str, Any]) -> list[DictRow]:
        """Return the rows that answer a question.

        Raises:
            ArchiveAwayError: there is no archive, or it does not answer in time.
        """
        if self._pool is None:
            raise ArchiveAwayError("no archive is set up (CARDWATCH_DATABASE_URL)")
        try:
            with self._pool.connection() as connection:
                return connection.execute(query, values).fetchall()
        except QueryCanceled:
            longest = f"{self._statement_ms / 1000:g} s"
            raise ArchiveAwayError(
                f"the archive needs more than {longest} to answer this: ask for less"
            ) from None
        except (Error, PoolTimeout, OSError) as error:
            # What the server says could repeat what was asked for.
            raise ArchiveAwayError(
                f"the archive does not answer ({type(error).__name__})"
            ) from None


def sql(text: str) -> Composed:
    """Return a query that is made of constants of this package; what people type is a parameter."""
    return Composed([SQL(text)])
