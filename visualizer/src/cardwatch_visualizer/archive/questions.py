"""What pages ask the archive, through the views for analysts alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.sql import SQL

from cardwatch_visualizer.archive.connection import Archive, sql
from cardwatch_visualizer.archive.filters import ReviewFilter, conditions_of, order_of

MOST_ROWS: Final = 10_000
"""So far a table goes back; behind that, filters are of more use than scrolling."""
MOST_EXPORTED: Final = 20_000
_BEFORE, _AFTER = 80, 20

_COLUMNS: Final = """
    a.risk,
    a.alert_id::text AS alert_id, (extract(epoch FROM a.event_time) * 1000)::bigint AS event_time,
    a.transaction_id, a.user_id, a.card_id, a.bank_id, a.payment_system, a.amount_minor, a.currency,
    a.merchant_id, a.merchant_category, a.country, a.city, a.channel, a.pin_used, a.mode, a.config,
    a.generation, a.detectors, a.reasons, a.trace_id, l.label, l.given_by
"""
_FROM: Final = """
FROM analytics.alerts AS a
LEFT JOIN LATERAL (
    SELECT f.label, f.given_by FROM analytics.feedback AS f WHERE f.alert_id = a.alert_id
    ORDER BY f.given_at DESC, f.feedback_id DESC LIMIT 1
) AS l ON true
"""
_BANKS: Final = SQL("""
WITH RECURSIVE banks AS (
    SELECT min(bank_id) AS bank_id FROM analytics.alerts
    UNION ALL
    SELECT (SELECT min(a.bank_id) FROM analytics.alerts AS a WHERE a.bank_id > banks.bank_id)
    FROM banks WHERE banks.bank_id IS NOT NULL
)
SELECT bank_id FROM banks WHERE bank_id IS NOT NULL LIMIT 50
""")
_FINDINGS: Final = SQL("""
SELECT detector, mode, observed, threshold, baseline, unit, reason, counterfactual, model
FROM analytics.findings WHERE alert_id = %(id)s LIMIT 50
""")
_ANSWERS: Final = SQL("""
SELECT label, given_by, reason, (extract(epoch FROM given_at) * 1000)::bigint AS given_at
FROM analytics.feedback WHERE alert_id = %(id)s ORDER BY given_at DESC, feedback_id DESC LIMIT 20
""")
_HISTORY: Final = SQL("""
SELECT
    t.transaction_id, (extract(epoch FROM t.event_time) * 1000)::bigint AS event_time,
    t.amount_minor, t.currency, t.merchant_id, t.city,
    EXISTS (SELECT FROM analytics.alerts AS a WHERE a.transaction_id = t.transaction_id)
        AS has_alert
FROM (
    (
        SELECT * FROM analytics.transactions
        WHERE card_id = %(card)s AND event_time <= to_timestamp(%(at)s / 1000.0)
        ORDER BY event_time DESC LIMIT %(before)s
    ) UNION ALL (
        SELECT * FROM analytics.transactions
        WHERE card_id = %(card)s AND event_time > to_timestamp(%(at)s / 1000.0)
        ORDER BY event_time LIMIT %(after)s
    )
) AS t ORDER BY t.event_time
""")


def alerts(
    archive: Archive,
    wanted: ReviewFilter,
    *,
    sort: Sequence[Mapping[str, Any]] = (),
    offset: int = 0,
    limit: int = 100,
) -> list[DictRow]:
    """Return alerts with the latest answer to each; one more than `limit` where there are more.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    conditions, values = conditions_of(wanted)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = sql(
        f"SELECT {_COLUMNS} {_FROM} {where} ORDER BY {order_of(sort)} "
        "OFFSET %(offset)s LIMIT %(limit)s"
    )
    return archive.ask(query, values | {"offset": offset, "limit": limit + 1})


def alert(archive: Archive, alert_id: UUID) -> DictRow | None:
    """Return an alert; None where there is none.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    query = sql(
        f"SELECT {_COLUMNS}, a.amount_deviations {_FROM} "
        "WHERE a.alert_id = %(id)s ORDER BY a.ingested_at DESC LIMIT 1"
    )
    rows = archive.ask(query, {"id": alert_id})
    return rows[0] if rows else None


def findings(archive: Archive, alert_id: UUID) -> list[DictRow]:
    """Return an alert's findings.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return archive.ask(_FINDINGS, {"id": alert_id})


def answers(archive: Archive, alert_id: UUID) -> list[DictRow]:
    """Return what analysts said of an alert, newest first.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return archive.ask(_ANSWERS, {"id": alert_id})


def history(archive: Archive, card_id: str, at_ms: int) -> list[DictRow]:
    """Return a card's transactions about an event time (ms since 1970-01-01 UTC), oldest first.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    values = {"card": card_id, "at": at_ms, "before": _BEFORE, "after": _AFTER}
    return archive.ask(_HISTORY, values)


def banks(archive: Archive) -> list[str]:
    """Return the banks of which there are alerts.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return [row["bank_id"] for row in archive.ask(_BANKS, {})]
