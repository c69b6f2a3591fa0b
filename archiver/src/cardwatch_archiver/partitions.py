"""Partitions of the archive's daily tables: made before they are needed, dropped when too old.

Neither keeps readers or writers waiting: a partition is attached and detached under a lock that
allows both.
"""

import re
from collections.abc import Iterable
from typing import Final

from psycopg import sql

from cardwatch_archiver.database import Connection, Cursor
from cardwatch_archiver.retention import date_of, day_of

_NAME = re.compile(r"(?P<table>\w+)_(?P<day>\d{8})")
_LOCK: Final = 0x63775F70617274
"""Of PostgreSQL's advisory locks: who makes partitions. "cw_part" in ASCII."""
_DROP_LOCK: Final = _LOCK + 1
"""Who drops them."""
_DROP_S: Final = 60.0


class Partitions:
    """The partitions of one table, as far as this process knows them."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._known: set[int] = set()

    def forget(self) -> None:
        """Know nothing any more: somebody may have changed them."""
        self._known.clear()

    def missing(self, times_us: Iterable[int]) -> list[int]:
        """Return the days of some times that are not known to have a partition."""
        return sorted(set(map(day_of, times_us)) - self._known)

    def make(self, cursor: Cursor, days: Iterable[int]) -> None:
        """Make sure that days have their partition; to be called in a transaction.

        Raises:
            psycopg.Error: PostgreSQL cannot.
        """
        days = list(days)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        there = set(_attached(cursor, self._table))
        for day in days:
            name = partition_name(self._table, day)
            if name not in there:
                _make(cursor, self._table, name, day)
        self._known.update(days)


def partition_name(table: str, day: int) -> str:
    """Return the name of a day's partition."""
    return f"{table}_{date_of(day):%Y%m%d}"


def drop_old(connection: Connection, table: str, kept: range) -> list[str]:
    """Drop the partitions of days before the kept ones; return their names.

    What an earlier attempt left half done is done. Does nothing while another archiver is at it.

    Raises:
        StoreAwayError: PostgreSQL does not answer, or somebody has been reading a partition for
            too long.
    """
    with connection.alone(timeout_s=_DROP_S) as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (_DROP_LOCK,))
        if cursor.fetchone() != (True,):
            return []
        try:
            old = _older(cursor, table, kept.start)
            for name in old:
                _drop(cursor, table, name)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", (_DROP_LOCK,))
        return old


def _make(cursor: Cursor, table: str, name: str, day: int) -> None:
    # CREATE TABLE ... PARTITION OF would lock out everybody who reads or writes the table.
    cursor.execute(
        sql.SQL(
            "CREATE TABLE IF NOT EXISTS {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        ).format(sql.Identifier(name), sql.Identifier(table))
    )
    cursor.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            sql.Identifier(table),
            sql.Identifier(name),
            sql.Literal(f"{date_of(day)} 00:00:00+00"),
            sql.Literal(f"{date_of(day + 1)} 00:00:00+00"),
        )
    )


def _drop(cursor: Cursor, table: str, name: str) -> None:
    pending = _attached(cursor, table).get(name)
    if pending is not None:
        how = sql.SQL("FINALIZE" if pending else "CONCURRENTLY")
        cursor.execute(
            sql.SQL("ALTER TABLE {} DETACH PARTITION {} {}").format(
                sql.Identifier(table), sql.Identifier(name), how
            )
        )
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))


def _attached(cursor: Cursor, table: str) -> dict[str, bool]:
    """Return the names of a table's partitions, and whether a detachment of each was left."""
    cursor.execute(
        "SELECT child.relname, inhdetachpending FROM pg_inherits"
        " JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = %s::regclass",
        (table,),
    )
    return dict(cursor.fetchall())


def _older(cursor: Cursor, table: str, first_day: int) -> list[str]:
    """Return the names of a table's partitions of days before a day, detached ones too."""
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE %s"
        " AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = %s::regclass)"
        " ORDER BY relname",
        (f"{table}\\_%", table),
    )
    first = partition_name(table, first_day)
    names = [name for (name,) in cursor.fetchall()]
    return [
        name
        for name in names
        if (match := _NAME.fullmatch(name)) and match["table"] == table and name < first
    ]
