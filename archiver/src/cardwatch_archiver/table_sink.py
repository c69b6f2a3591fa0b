"""One table of the archive, and how far its topic has been written there.

Rows and the offsets behind them change in one transaction of the database. Whoever writes first
locks the topic's offsets; if these are not what it read before, another has written meanwhile, and
it goes on from there. So every record is in the table once, whoever is killed, and however many
write.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from cardwatch_archiver.copying import copy_into, replacing
from cardwatch_archiver.database import Connection, Cursor
from cardwatch_archiver.erasure import Erasures, read_erasures
from cardwatch_archiver.messages import log_left_out
from cardwatch_archiver.partitions import Partitions
from cardwatch_archiver.position import (
    Position,
    PositionChangedError,
    RecordsRefusedError,
)
from cardwatch_archiver.retention import Retention, day_of
from cardwatch_archiver.rows import Row, milliseconds
from cardwatch_archiver.schema import Schema
from cardwatch_archiver.tables import Table
from cardwatch_contracts.codec import InvalidRecordError

_READ: Final = (
    "SELECT partition, next_offset FROM archive_positions"
    " WHERE topic = %s AND topic_id = %s ORDER BY partition"
)
_MOVE: Final = (
    "UPDATE archive_positions AS stored SET next_offset = moved.next_offset"
    " FROM unnest(%s::integer[], %s::bigint[]) AS moved (partition, next_offset)"
    " WHERE topic = %s AND topic_id = %s AND stored.partition = moved.partition"
)
_BEGIN: Final = (
    "INSERT INTO archive_positions (partition, next_offset, topic, topic_id)"
    " SELECT partition, next_offset, %s, %s"
    " FROM unnest(%s::integer[], %s::bigint[]) AS moved (partition, next_offset)"
    " ON CONFLICT DO NOTHING"
)


class TableSink:
    """Writes the records of a topic into a table; made for `TopicArchiver`.

    Args:
        table: which.
        connection: its own.
        schema: what brings the tables about.
        retention: which days are kept.
        today: the day it is, UTC.
    """

    server: Final = "PostgreSQL"

    def __init__(
        self,
        table: Table,
        connection: Connection,
        schema: Schema,
        retention: Retention,
        *,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._table = table
        self._connection = connection
        self._schema = schema
        self._retention = retention
        self._today = today
        self._partitions = Partitions(table.name)
        self._erasures: Erasures | None = None

    def position(self, topic_id: str) -> Position:
        """Return how far the topic is written; one that was made anew is not written at all.

        Waits for a batch that somebody, such as this archiver over a connection that was lost, is
        about to commit.

        Raises:
            StoreAwayError: PostgreSQL does not answer.
            MigrationError: its tables are of another version.
        """
        self._partitions.forget()
        self._schema.ensure(self._connection)
        with self._connection.transaction() as cursor:
            return self._stored(cursor, topic_id, "FOR UPDATE")

    def is_at(self, position: Position) -> bool:
        """Return whether the table is still where it was left.

        Raises:
            StoreAwayError: PostgreSQL does not answer.
        """
        with self._connection.alone() as cursor:
            return self._stored(cursor, position.topic_id) == position

    def write(self, messages: Sequence[Message], before: Position) -> int:
        """Write what messages hold and that they were read; return how many were left out.

        What PostgreSQL refuses for good is found by halves, and left out.

        Raises:
            StoreAwayError: PostgreSQL does not answer.
            PositionChangedError: it is not at `before`, or no longer.
        """
        rows = self._rows(messages, before)
        try:
            self._write(rows, before, before.after(messages))
        except RecordsRefusedError as refusal:
            if len(messages) == 1:
                log_left_out(messages[0], str(refusal))
                self._write([], before, before.after(messages))
                return 1
            middle = len(messages) // 2
            first, second = messages[:middle], messages[middle:]
            return self.write(first, before) + self.write(second, before.after(first))
        return len(messages) - len(rows)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _rows(self, messages: Iterable[Message], before: Position) -> list[Row]:
        rows: list[Row] = []
        days = self._retention.days(self._today()) if self._table.daily else None
        for message in messages:
            try:
                rows.append(self._row(message, days, before))
            except InvalidRecordError as error:
                log_left_out(message, str(error))
        return rows

    def _row(self, message: Message, days: range | None, before: Position) -> Row:
        partition, offset = message.partition() or 0, message.offset() or 0
        if offset < before.offsets.get(partition, 0):
            raise InvalidRecordError("Kafka has given this offset before: it lost records")
        kind, ingested_ms = message.timestamp()
        if kind == TIMESTAMP_NOT_AVAILABLE:
            raise InvalidRecordError("Kafka does not say when it took the record")
        row = self._table.row(message.value(), ingested_ms)
        if days is not None and day_of(row[0]) not in days:
            raise InvalidRecordError("Kafka took it on a day that is not kept, or is to come")
        return row

    def _write(self, rows: Sequence[Row], before: Position, after: Position) -> None:
        if self._table.daily and (missing := self._partitions.missing(row[0] for row in rows)):
            with self._connection.transaction() as cursor:
                self._partitions.make(cursor, missing)
        with self._connection.transaction() as cursor:
            self._move(cursor, before, after)
            rows = self._without_erased(cursor, rows)
            if not rows:
                return
            if self._table.key:
                replacing(cursor, self._table, rows)
            else:
                copy_into(cursor, self._table, rows)

    def _without_erased(self, cursor: Cursor, rows: Sequence[Row]) -> Sequence[Row]:
        """Leave out what is older than its user's erasure."""
        user, time = self._table.user_column, self._table.time_column
        if user is None or time is None:
            return rows
        erasures = self._erasures = read_erasures(cursor, self._erasures)
        return [row for row in rows if not erasures.cover(row[user], milliseconds(row[time]))]

    def _stored(self, cursor: Cursor, topic_id: str, lock: str = "") -> Position:
        cursor.execute(f"{_READ} {lock}".encode(), (self._table.topic, topic_id))
        return Position(topic_id=topic_id, offsets=dict(cursor.fetchall()))

    def _move(self, cursor: Cursor, before: Position, after: Position) -> None:
        """Write the position, if it is still what it was."""
        if self._stored(cursor, before.topic_id, "FOR UPDATE") != before:
            raise PositionChangedError
        topic = (self._table.topic, before.topic_id)
        moved = {p: at for p, at in after.offsets.items() if p in before.offsets}
        begun = {p: at for p, at in after.offsets.items() if p not in before.offsets}
        if moved:
            cursor.execute(_MOVE, (list(moved), list(moved.values()), *topic))
        if begun:
            cursor.execute(_BEGIN, (*topic, list(begun), list(begun.values())))
            if cursor.rowcount != len(begun):
                raise PositionChangedError  # another archiver began them first
