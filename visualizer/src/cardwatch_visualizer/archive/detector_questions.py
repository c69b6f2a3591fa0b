"""What the page of detectors asks the archive, through the views for analysts alone."""

from dataclasses import dataclass
from typing import Final

from psycopg.rows import DictRow

from cardwatch_visualizer.archive.connection import Archive, sql

MOST_ALERTS: Final = 100_000
"""Alerts whose findings are counted at most: the newest. To unfold one takes a core 5 µs."""

_SPAN: Final = """
WHERE event_time >= to_timestamp(%(since)s / 1000.0)
    -- Leaves out days before: what is paid later was not taken earlier, but for wrong clocks.
    AND ingested_at >= to_timestamp(%(since)s / 1000.0) - interval '1 hour'
    AND event_time < to_timestamp(%(until)s / 1000.0)
"""
# As `analytics.false_positives` counts, and by config besides.
_FINDINGS: Final = f"""
SELECT
    f.detector, f.mode,
    count(*) AS findings,
    count(*) FILTER (WHERE l.label = 'fraudulent') AS fraudulent,
    count(*) FILTER (WHERE l.label = 'genuine') AS genuine,
    count(*) FILTER (WHERE l.label = 'unsure') AS unsure
FROM analytics.findings AS f
LEFT JOIN (SELECT alert_id, label FROM analytics.latest_feedback) AS l USING (alert_id)
{_SPAN}
"""
_GROUPED: Final = " GROUP BY f.detector, f.mode ORDER BY f.detector, f.mode LIMIT 200"
_OF_ALL: Final = sql(_FINDINGS + _GROUPED)
_OF_ONE: Final = sql(_FINDINGS + " AND f.config = %(config)s" + _GROUPED)
_NEWEST: Final = sql(f"""
SELECT (extract(epoch FROM min(event_time)) * 1000)::bigint AS first_ms, count(*) AS alerts FROM (
    SELECT event_time FROM analytics.alerts {_SPAN} ORDER BY event_time DESC LIMIT %(most)s
) AS newest
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestAlerts:
    """The alerts of a period whose findings are counted."""

    first_ms: int | None
    """Event time of the oldest. Milliseconds since 1970-01-01 UTC; None: there is none."""
    are_all: bool
    """Whether the period has no others."""


def findings_by_detector(
    archive: Archive, since_ms: int, until_ms: int, config: str | None = None
) -> list[DictRow]:
    """Return how many findings each detector has in each mode, and what analysts say of them.

    The latest answer to an alert counts for each of its findings.

    Args:
        archive: which.
        since_ms: event time from then on. Milliseconds since 1970-01-01 UTC.
        until_ms: event time before then.
        config: of this config's alone; None: of all.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    values = {"since": since_ms, "until": until_ms, "config": config}
    return archive.ask(_OF_ALL if config is None else _OF_ONE, values)


def newest_alerts(
    archive: Archive, since_ms: int, until_ms: int, most: int = MOST_ALERTS
) -> NewestAlerts:
    """Return since when the newest alerts of a period are.

    Args:
        archive: which.
        since_ms: the period's beginning. Milliseconds since 1970-01-01 UTC.
        until_ms: its end, exclusive.
        most: how many alerts at most.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    values = {"since": since_ms, "until": until_ms, "most": most}
    (row,) = archive.ask(_NEWEST, values)
    return NewestAlerts(first_ms=row["first_ms"], are_all=row["alerts"] < most)
