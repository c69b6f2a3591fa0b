"""The archive in PostgreSQL, as commands speak to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import Connection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from cardwatch_local.errors import StackError

_CONNECT_S: Final = 5
_MISSING: Final = (errors.UndefinedTable, errors.InvalidSchemaName, errors.UndefinedFunction)


@contextmanager
def open_archive(url: str, *, writes: bool = False) -> Iterator[Connection[TupleRow]]:
    """Give a connection whose times are UTC; it commits statement by statement.

    What PostgreSQL refuses inside comes as StackError, too.

    Args:
        url: `postgresql://USER@HOST:PORT/NAME`; it may hold a password, which no message repeats.
        writes: Whether anything is to be changed; otherwise the server itself refuses it.

    Raises:
        StackError: The server does not answer or refuses, or holds no archive.
    """
    place = _place(url)
    try:
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=_CONNECT_S, application_name="cardwatch"
        )
    except psycopg.Error as error:
        raise StackError(f"PostgreSQL at {place} does not answer: {_first_line(error)}") from None
    with connection:
        try:
            connection.execute("SET TIME ZONE 'UTC'")
            if not writes:
                connection.execute("SET default_transaction_read_only = on")
            yield connection
        except _MISSING as error:
            raise StackError(
                f"PostgreSQL at {place} holds no archive of this version: {_first_line(error)}. "
                "The archiver makes it when it starts with a --database-url."
            ) from None
        except errors.InsufficientPrivilege as error:
            raise StackError(
                f"PostgreSQL at {place}: {_first_line(error)}; to read, the user needs "
                "GRANT cardwatch_reader, and to erase it must own the tables"
            ) from None
        except psycopg.Error as error:
            raise StackError(f"PostgreSQL at {place}: {_first_line(error)}") from None


def _place(url: str) -> str:
    """Return what may be shown of an address."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:  # which may repeat a part of the password
        raise StackError(
            "--database-url is no address of PostgreSQL; allowed: postgresql://USER@HOST:PORT/NAME"
        ) from None
    host, port = parts.get("host") or "this machine", parts.get("port") or 5432
    return f"{host}:{port}/{parts.get('dbname') or parts.get('user') or ''}"


def _first_line(error: psycopg.Error) -> str:
    """Return what the server says, without the statement it says it of."""
    return (error.diag.message_primary or str(error)).strip().partition("\n")[0]
