"""One connection to PostgreSQL that never keeps its user waiting for ever."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from cardwatch_archiver.position import RecordsRefusedError, StoreAwayError
from cardwatch_contracts.database_settings import Database, DatabaseSettingsError

Cursor = psycopg.Cursor[tuple[Any, ...]]

_CONNECT_S: Final = 3
_ABANDONED_S: Final = 60
"""How long the server keeps a transaction whose archiver vanished without a word."""
_OF_RECORDS: Final = ("22", "23", "54")
"""Classes of PostgreSQL's error codes that say what is wrong with a row: its values, a constraint,
a limit (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
_OF_STATEMENTS: Final = "42"
"""The class that says what is wrong with a statement, such as that a right is missing."""
_NO_PARTITION: Final = "23514"
"""What PostgreSQL says, without naming a constraint, of a row whose partition is missing."""


class Connection:
    """A connection that is opened when it is needed, and again after it failed. One user at a time.

    Args:
        database: where.
        timeout_s: longest time for one transaction, by this side's clock: a server that hangs
            does not look at its own. Seconds.
    """

    def __init__(self, database: Database, *, timeout_s: float) -> None:
        self._database = database
        self._timeout_s = timeout_s
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._wire: socket.socket | None = None

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Give a cursor in a transaction that is committed at the block's end.

        Raises:
            StoreAwayError: PostgreSQL does not answer in time, or cannot do it now. Whether it
                has committed is not known.
            RecordsRefusedError: what was written is not allowed; nothing is committed.
        """
        with self._bounded() as connection, connection.transaction():
            yield connection.cursor()

    @contextmanager
    def alone(self, *, timeout_s: float | None = None) -> Iterator[Cursor]:
        """Give a cursor whose statements are transactions each.

        Args:
            timeout_s: longest time for all of it; None: that of one transaction. Seconds.

        Raises:
            StoreAwayError: as `transaction` does.
            RecordsRefusedError: as `transaction` does.
        """
        with self._bounded(timeout_s) as connection:
            yield connection.cursor()

    def close(self) -> None:
        """Close it; from any thread, and whatever it is doing."""
        self._cut()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    @contextmanager
    def _bounded(
        self, timeout_s: float | None = None
    ) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        timer = Timer(self._timeout_s if timeout_s is None else timeout_s, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield self._opened()
        except psycopg.Error as error:
            state = error.sqlstate or ""
            missing = state == _NO_PARTITION and not error.diag.constraint_name
            if state[:2] in _OF_RECORDS and not missing:
                # Its text would repeat what was refused.
                raise RecordsRefusedError(f"PostgreSQL: {_in_words(error)}") from None
            self.close()
            raise StoreAwayError(_in_words(error)) from None
        except OSError as error:
            self.close()
            raise StoreAwayError(type(error).__name__) from None
        finally:
            timer.cancel()

    def _opened(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        self.close()
        try:
            password = self._database.password()
            connection = psycopg.connect(
                make_conninfo(
                    self._database.url,
                    **({"password": password} if password else {}),
                    connect_timeout=_CONNECT_S,
                    application_name="cardwatch-archiver",
                ),
                autocommit=True,
            )
        except (psycopg.OperationalError, DatabaseSettingsError) as error:
            raise StoreAwayError(str(error).splitlines()[0]) from None
        self._connection = connection
        self._wire = socket.socket(fileno=os.dup(connection.fileno()))
        limit_ms = round(self._timeout_s * 1000)
        connection.execute(
            f"SET statement_timeout = {limit_ms}; SET lock_timeout = {limit_ms};"
            f"SET idle_in_transaction_session_timeout = '{_ABANDONED_S}s';".encode()
        )
        return connection

    def _cut(self) -> None:
        """End the connection under whoever waits for it: that one sees it closed."""
        wire, self._wire = self._wire, None
        if wire is not None:
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
            wire.close()


def _in_words(error: psycopg.Error) -> str:
    """Return what happened; what the server said of it, only where that repeats no row."""
    said = error.diag.message_primary if (error.sqlstate or "").startswith(_OF_STATEMENTS) else None
    return " ".join(filter(None, (type(error).__name__, error.sqlstate, said)))
