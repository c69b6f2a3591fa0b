"""What the page of models asks the archive, through the views for analysts alone."""

from typing import Final

from psycopg.rows import DictRow

from cardwatch_visualizer.archive.connection import Archive, sql

_SPAN: Final = """
    f.event_time >= to_timestamp(%(since)s / 1000.0)
    -- Leaves out days before: what is paid later was not taken earlier, but for wrong clocks.
    AND f.ingested_at >= to_timestamp(%(since)s / 1000.0) - interval '1 hour'
    AND f.event_time < to_timestamp(%(until)s / 1000.0)
    AND f.config = %(config)s
"""
_BY_VERSION: Final = sql(f"""
SELECT
    f.detector, f.mode, f.model,
    count(*) AS findings,
    count(*) FILTER (WHERE l.label = 'fraudulent') AS fraudulent,
    count(*) FILTER (WHERE l.label = 'genuine') AS genuine,
    count(*) FILTER (WHERE l.label = 'unsure') AS unsure,
    (extract(epoch FROM max(f.event_time)) * 1000)::bigint AS last_ms
FROM analytics.findings AS f
LEFT JOIN analytics.latest_feedback AS l ON l.alert_id = f.alert_id
WHERE {_SPAN}
GROUP BY f.detector, f.mode, f.model
ORDER BY f.model IS NULL, f.detector DESC, last_ms DESC, f.mode
LIMIT 100
""")
# From the first alert on by which both are known to have judged.
_AGREEMENT: Final = sql(f"""
WITH found AS (
    SELECT f.alert_id, f.event_time, f.detector
    FROM analytics.findings AS f
    WHERE {_SPAN} AND (
        f.detector = 'model' AND f.model = %(model)s
        OR f.detector = 'challenger' AND f.model = %(challenger)s
    )
), pair AS (
    SELECT greatest(
        min(event_time) FILTER (WHERE detector = 'model'),
        min(event_time) FILTER (WHERE detector = 'challenger')
    ) AS since, count(DISTINCT detector) = 2 AS are_known FROM found
), by_alert AS (
    SELECT
        alert_id,
        bool_or(detector = 'model') AS of_model, bool_or(detector = 'challenger') AS of_challenger
    FROM found, pair
    WHERE pair.are_known AND found.event_time >= pair.since
    GROUP BY alert_id
)
SELECT
    (SELECT (extract(epoch FROM since) * 1000)::bigint FROM pair) AS since_ms,
    a.of_model, a.of_challenger,
    count(*) AS alerts,
    count(*) FILTER (WHERE l.label = 'fraudulent') AS fraudulent,
    count(*) FILTER (WHERE l.label = 'genuine') AS genuine
FROM by_alert AS a
LEFT JOIN analytics.latest_feedback AS l ON l.alert_id = a.alert_id
GROUP BY a.of_model, a.of_challenger
""")


def findings_by_version(
    archive: Archive, since_ms: int, until_ms: int, config: str
) -> list[DictRow]:
    """Return how many findings each detector has, models by version, and what analysts say of them.

    The latest answer to an alert counts for each of its findings. Models come first, the challenger
    behind the model, newer versions before older ones; then rules.

    Args:
        archive: which.
        since_ms: event time from then on. Milliseconds since 1970-01-01 UTC.
        until_ms: event time before then.
        config: whose findings.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return archive.ask(_BY_VERSION, {"since": since_ms, "until": until_ms, "config": config})


def agreement(
    archive: Archive, since_ms: int, until_ms: int, config: str, *, model: str, challenger: str
) -> list[DictRow]:
    """Return on how many alerts a model and its challenger agree, and what analysts say of them.

    Counted from the first alert on by which both are known to judge: the later one of the first
    findings of both. Where one of them has none there is no row.

    Args:
        archive: which.
        since_ms: event time from then on. Milliseconds since 1970-01-01 UTC.
        until_ms: event time before then.
        config: by which they judge.
        model: hash of the model.
        challenger: hash of the challenger.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    values = {"since": since_ms, "until": until_ms, "config": config}
    return archive.ask(_AGREEMENT, values | {"model": model, "challenger": challenger})
