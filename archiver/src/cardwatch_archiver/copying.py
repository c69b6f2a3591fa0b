"""Writes rows into tables by COPY in its binary format."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import sql

from cardwatch_archiver.database import Cursor
from cardwatch_archiver.rows import Row
from cardwatch_archiver.tables import Sent, Table

_AS_SENT: Final[dict[Sent, str]] = {"time": "int8", "jsonb": "bytea"}
"""In binary COPY these are bytes alike, and cheaper to make."""
_JSONB_VERSION: Final = b"\x01"


def copy_into(
    cursor: Cursor, table: Table, rows: Sequence[Row], *, into: str | None = None
) -> None:
    """Add rows to a table, or to another of the same columns.

    Raises:
        psycopg.Error: PostgreSQL does not take them.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(into or table.name), _names(table.columns)
    )
    types = [_AS_SENT.get(sent, sent) for sent in table.columns.values()]
    documents = [at for at, sent in enumerate(table.columns.values()) if sent == "jsonb"]
    with cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(_with_versions(row, documents) if documents else row)


def replacing(cursor: Cursor, table: Table, rows: Sequence[Row]) -> None:
    """Write rows in the place of those with the same key; of rows alike the last one counts.

    Raises:
        psycopg.Error: PostgreSQL does not take them.
    """
    places = [list(table.columns).index(name) for name in table.key]
    newest = {tuple(row[place] for place in places): row for row in rows}
    if table.daily:
        # The earlier one may be in another day's partition: a conflict would not be noticed.
        (name,), keys = table.key, [key for (key,) in newest]
        statement = sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)")
        cursor.execute(statement.format(sql.Identifier(table.name), sql.Identifier(name)), [keys])
        copy_into(cursor, table, list(newest.values()))
        return
    incoming = f"incoming_{table.name}"
    cursor.execute(
        sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DELETE ROWS").format(
            sql.Identifier(incoming), sql.Identifier(table.name)
        )
    )
    copy_into(cursor, table, list(newest.values()), into=incoming)
    cursor.execute(_upsert(table, incoming))


def _upsert(table: Table, incoming: str) -> sql.Composed:
    updates = [
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name))
        for name in table.columns
        if name not in table.key
    ]
    return sql.SQL(
        "INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT ({}) DO UPDATE SET {}"
    ).format(
        sql.Identifier(table.name),
        *(_names(table.columns), _names(table.columns)),
        sql.Identifier(incoming),
        _names(table.key),
        sql.SQL(", ").join(updates),
    )


def _names(names: Any) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _with_versions(row: Row, places: Sequence[int]) -> list[Any]:
    """Return a row whose documents begin as PostgreSQL's binary form of jsonb does."""
    sent = list(row)
    for place in places:
        sent[place] = _JSONB_VERSION + sent[place]
    return sent
