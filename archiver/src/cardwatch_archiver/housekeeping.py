"""Looks after the archive's days: partitions ahead of time, and none that is too old."""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import Final

from cardwatch_archiver.database import Connection
from cardwatch_archiver.metrics import ArchiverMetrics
from cardwatch_archiver.partitions import Partitions, drop_old
from cardwatch_archiver.position import StoreAwayError
from cardwatch_archiver.retention import Retention
from cardwatch_archiver.schema import MigrationError, Schema
from cardwatch_archiver.tables import TABLES

_log = logging.getLogger(__name__)

_INTERVAL_S: Final = 300.0
_RETRY_S: Final = 10.0
_DELETED_AT_ONCE: Final = 5_000


class Housekeeper:
    """Keeps the days that are to be kept.

    Args:
        connection: its own.
        schema: what brings the tables about.
        retention: which days are kept.
        metrics: what is to be counted.
        stop: set from outside to end `run`.
        today: the day it is, UTC.
    """

    def __init__(
        self,
        connection: Connection,
        schema: Schema,
        retention: Retention,
        metrics: ArchiverMetrics,
        *,
        stop: Event,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._retention = retention
        self._metrics = metrics
        self._stop = stop
        self._today = today

    def run(self) -> None:
        """Look after the days every five minutes, until stopped."""
        pause_s = 0.0
        while not self._stop.wait(pause_s):
            try:
                self.tidy()
                pause_s = _INTERVAL_S
            except (StoreAwayError, MigrationError) as error:
                # Those who write say so themselves, and only a partition that somebody reads
                # without end concerns nobody else.
                _log.info("old days are removed later: %s", error)
                pause_s = _RETRY_S
        self._connection.close()

    def tidy(self) -> None:
        """Make the next days' partitions, and remove what is older than the days kept.

        Raises:
            StoreAwayError: PostgreSQL does not answer in time.
            MigrationError: its tables are of another version.
        """
        self._schema.ensure(self._connection)
        today = self._today()
        for table in TABLES:
            if not table.daily:
                continue
            with self._connection.transaction() as cursor:
                Partitions(table.name).make(cursor, self._retention.ahead(today))
            for name in drop_old(self._connection, table.name, self._retention.days(today)):
                self._metrics.dropped.inc()
                _log.info("%s is dropped: it is older than %d days", name, self._kept_days)
        self._delete_old_stats(today)

    @property
    def _kept_days(self) -> int:
        return self._retention.kept_days

    def _delete_old_stats(self, today: date) -> None:
        """Delete the windows of days that are not kept, a few at a time: they are not many."""
        first = datetime.combine(today - timedelta(days=self._kept_days), datetime.min.time(), UTC)
        deleted = _DELETED_AT_ONCE
        while deleted == _DELETED_AT_ONCE and not self._stop.is_set():
            with self._connection.transaction() as cursor:
                cursor.execute(
                    "DELETE FROM transaction_stats WHERE ctid = ANY(ARRAY("
                    " SELECT ctid FROM transaction_stats WHERE window_start < %s LIMIT %s))",
                    (first, _DELETED_AT_ONCE),
                )
                deleted = cursor.rowcount
