"""The archive in PostgreSQL, read only. Its tables are the archiver's (`0001_archive.sql`)."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, Error, sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cardwatch_contracts.database_settings import Database
from cardwatch_gateway.alert_filter import AlertFilter
from cardwatch_gateway.problems import invalid, unavailable

_OPTIONS: Final = "-c default_transaction_read_only=on -c statement_timeout=3000"
_MOST_CONNECTIONS: Final = 5
_MOST_WAITING: Final = 50
_WAIT_S: Final = 2.0
_CURSOR: Final = re.compile(r"-?[0-9]{1,18} [0-9]{1,18} [0-9a-f-]{36}")
_NO_DATABASE: Final = "no archive is set up (CARDWATCH_DATABASE_URL): this needs one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Alerts, newest event time first."""

    alerts: list[msgspec.Raw]
    next: str | None
    """What asks for those after; None: there are none."""


class Archive:
    """Asks the archive, within bounds of connections and time.

    Raises:
        ProblemError: every question: 503 where there is no database or it does not answer.
    """

    def __init__(self, database: Database | None) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] | None = None
        if database is not None:
            password = database.password()
            self._pool = AsyncConnectionPool(
                database.url,
                kwargs={"row_factory": dict_row, "options": _OPTIONS, "connect_timeout": 3}
                | ({"password": password} if password else {}),
                min_size=0,
                max_size=_MOST_CONNECTIONS,
                max_waiting=_MOST_WAITING,
                timeout=_WAIT_S,
                reconnect_timeout=_WAIT_S,
                open=False,
                name="archive",
            )

    async def open(self) -> None:
        """Begin; the database need not be there yet."""
        if self._pool is not None:
            await self._pool.open(wait=False)

    async def close(self) -> None:
        """Let go of the database."""
        if self._pool is not None:
            await self._pool.close(timeout=_WAIT_S)

    async def alerts(
        self,
        wanted: AlertFilter,
        *,
        since_ms: int | None,
        until_ms: int | None,
        cursor: str | None,
        limit: int,
    ) -> Page:
        """Return alerts by event time (ms since 1970-01-01 UTC), newest first, a page at a time."""
        conditions, values = _conditions(wanted)
        if since_ms is not None:
            conditions.append("event_time >= to_timestamp(%(since)s / 1000.0)")
            values["since"] = since_ms
        if until_ms is not None:
            conditions.append("event_time < to_timestamp(%(until)s / 1000.0)")
            values["until"] = until_ms
        if cursor is not None:
            conditions.append(
                "(event_time, ingested_at, alert_id) < "
                "(to_timestamp(0) + %(at)s * interval '1 us', "
                "to_timestamp(0) + %(ingested)s * interval '1 us', %(id)s)"
            )
            values |= _read_cursor(cursor)
        rows = await self._ask(
            sql.SQL(
                "SELECT alert::text AS alert, alert_id, "
                "(extract(epoch FROM event_time) * 1000000)::bigint AS at, "
                "(extract(epoch FROM ingested_at) * 1000000)::bigint AS ingested "
                "FROM alerts {} ORDER BY event_time DESC, ingested_at DESC, alert_id DESC "
                "LIMIT %(limit)s"
            ).format(_where(conditions)),
            values | {"limit": limit + 1},
        )
        more = len(rows) > limit
        return Page(
            alerts=[msgspec.Raw(row["alert"].encode()) for row in rows[:limit]],
            next=_cursor_of(rows[limit - 1]) if more else None,
        )

    async def alert(self, alert_id: UUID, bank_id: str | None) -> DictRow | None:
        """Return an alert's row; None where there is none, or it is another bank's."""
        return await self._newest(
            "SELECT alert::text AS alert, alert_id, transaction_id, user_id, card_id, bank_id, "
            "merchant_id, (extract(epoch FROM event_time) * 1000)::bigint AS event_time, "
            "(alert ->> 'amount_deviations')::float8 AS amount_deviations "
            "FROM alerts WHERE alert_id = %(id)s",
            {"id": alert_id, "bank": bank_id},
        )

    async def alert_of(self, transaction_id: str, bank_id: str | None) -> DictRow | None:
        """Return the row of a transaction's alert; None as above."""
        return await self._newest(
            "SELECT alert::text AS alert FROM alerts WHERE transaction_id = %(id)s",
            {"id": transaction_id, "bank": bank_id},
        )

    async def transaction(self, transaction_id: str, bank_id: str | None) -> DictRow | None:
        """Return when a transaction was taken (`ingested_ms`) and how old that is (`age_s`)."""
        return await self._newest(
            "SELECT (extract(epoch FROM ingested_at) * 1000)::bigint AS ingested_ms, "
            "extract(epoch FROM now() - ingested_at)::float8 AS age_s FROM transactions "
            "WHERE transaction_id = %(id)s",
            {"id": transaction_id, "bank": bank_id},
        )

    async def feedback(self, alert_id: UUID) -> list[DictRow]:
        """Return what was said of an alert, newest first, 100 at most."""
        return await self._ask(
            sql.SQL(
                "SELECT feedback_id, label, given_by, reason, "
                "(extract(epoch FROM given_at) * 1000)::bigint AS given_at FROM feedback "
                "WHERE alert_id = %(id)s ORDER BY given_at DESC LIMIT 100"
            ),
            {"id": alert_id},
        )

    async def _newest(self, query: str, values: Mapping[str, Any]) -> DictRow | None:
        of_bank = " AND bank_id = %(bank)s" if values["bank"] is not None else ""
        text = f"{query}{of_bank} ORDER BY ingested_at DESC LIMIT 1"
        rows = await self._ask(sql.SQL(text), values)
        return rows[0] if rows else None

    async def _ask(self, query: sql.SQL | sql.Composed, values: Mapping[str, Any]) -> list[DictRow]:
        if self._pool is None:
            raise unavailable("no-archive", _NO_DATABASE, 60)
        try:
            async with self._pool.connection() as connection:
                return await (await connection.execute(query, values)).fetchall()
        except (Error, PoolTimeout, OSError) as error:
            raise unavailable(
                "archive-away", f"the archive does not answer ({type(error).__name__})", 5
            ) from None


def _conditions(wanted: AlertFilter) -> tuple[list[str], dict[str, Any]]:
    conditions = [
        f"{name} = %({name})s"
        for name in ("bank_id", "user_id", "mode")
        if getattr(wanted, name) is not None
    ]
    if wanted.detector is not None:
        conditions.append("%(detector)s = ANY (detectors)")
    if wanted.min_amount_minor is not None:
        conditions.append("amount_minor >= %(min_amount_minor)s")
    return conditions, msgspec.structs.asdict(wanted)


def _where(conditions: Sequence[str]) -> sql.Composed | sql.SQL:
    if not conditions:
        return sql.SQL("")
    # Each is a constant of this module; what clients give is a parameter.
    return sql.SQL("WHERE ") + sql.SQL(" AND ").join(sql.SQL(each) for each in conditions)


def _cursor_of(row: DictRow) -> str:
    text = f"{row['at']} {row['ingested']} {row['alert_id']}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> dict[str, Any]:
    problem = invalid("cursor: expected `next` of the page before", field="cursor")
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        if not _CURSOR.fullmatch(text):
            raise problem
        at, ingested, alert_id = text.split(" ")
        return {"at": int(at), "ingested": int(ingested), "id": UUID(alert_id)}
    except (binascii.Error, ValueError):
        raise problem from None
