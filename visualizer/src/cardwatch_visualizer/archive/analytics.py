"""What the analytics page asks the archive. PostgreSQL adds up, over a bounded number of rows."""

from typing import Final

from psycopg.rows import DictRow

from cardwatch_visualizer.archive.connection import Archive, sql
from cardwatch_visualizer.archive.time_spans import (
    TimeSpan,
    alert_conditions,
    stats_conditions,
    transaction_conditions,
)

MOST_ALERTS: Final = 200_000
"""Alerts that are added up at most: the newest."""
MOST_READ: Final = 300_000
"""Transactions that are read at most for amounts by place."""
_MOST_NAMES: Final = 50
"""Of each kind, such as banks, those with the most alerts."""
_MOST_STEPS: Final = 20_000
_MOST_PLACES: Final = 100
"""Of each currency, those with the largest amounts."""
_SAMPLES: Final = {
    1: "transactions",
    100: "transactions_1_in_100",
    10_000: "transactions_1_in_10000",
}
"""Views by how many transactions one of them stands for."""

_SINCE: Final = "to_timestamp(%(since)s / 1000.0)"
_MS: Final = "(extract(epoch FROM {}) * 1000)::bigint"
# Users are told apart byte by byte: to sort 200,000 names as a language does takes half a second.
_CHOSEN: Final = f"""
    SELECT
        a.event_time, a.bank_id, a.country, a.merchant_category, a.detectors, a.mode,
        a.user_id COLLATE "C" AS user_id,
        date_bin(%(step)s * interval '1 millisecond', a.event_time, {_SINCE}) AS step,
        -- Hours of the viewer's zone are made of these: all zones are quarters of an hour off.
        date_bin('15 minutes', a.event_time, '2000-01-01 00:00+00') AS quarter
    FROM analytics.alerts AS a WHERE {{where}}
    ORDER BY a.event_time DESC LIMIT %(most)s
"""
# All of it in one pass, and detectors by the sets of them that alerts have.
_COUNTED: Final = """
    SELECT
        CASE 0
            WHEN grouping(bank_id) THEN 'bank'
            WHEN grouping(country) THEN 'country'
            WHEN grouping(merchant_category) THEN 'category'
            WHEN grouping(detectors) THEN 'detectors'
            WHEN grouping(step) THEN 'time'
            WHEN grouping(quarter) THEN 'quarter'
            WHEN grouping(user_id) THEN 'user'
            ELSE 'total'
        END AS kind,
        coalesce(bank_id, country, merchant_category, '') AS name,
        detectors,
        coalesce(step, quarter, min(event_time)) AS at,
        count(*) FILTER (WHERE mode = 'active') AS alerts,
        count(*) FILTER (WHERE mode = 'shadow') AS on_trial
    FROM chosen
    GROUP BY GROUPING SETS (
        (), (bank_id), (country), (merchant_category), (detectors), (step), (quarter), (user_id)
    )
"""
_ALERTS: Final = f"""
WITH chosen AS ({_CHOSEN}), counted AS MATERIALIZED ({_COUNTED}), named AS (
    SELECT kind, name, at, alerts, on_trial FROM counted WHERE kind NOT IN ('detectors', 'user')
    UNION ALL
    SELECT 'detector', d.name, min(at), sum(alerts)::bigint, sum(on_trial)::bigint
    FROM counted CROSS JOIN LATERAL unnest(detectors) AS d (name) GROUP BY d.name
), ranked AS (
    SELECT
        named.*,
        row_number() OVER (PARTITION BY kind ORDER BY alerts + on_trial DESC, name) AS place
    FROM named
)
SELECT
    kind, name, {_MS.format("at")} AS at_ms, alerts, on_trial,
    (SELECT count(*) FROM counted WHERE kind = 'user') AS users
FROM ranked WHERE place <= %(names)s OR kind IN ('time', 'quarter')
ORDER BY kind, place LIMIT {_MOST_STEPS}
"""
_PLACES: Final = """
WITH chosen AS (
    SELECT t.country, t.city, t.currency, t.amount_minor, t.latitude, t.longitude
    FROM analytics.{view} AS t WHERE {where} LIMIT %(most)s
), counted AS (
    SELECT
        country, city, currency, count(*) AS transactions, sum(amount_minor) AS total_minor,
        avg(latitude) AS latitude, avg(longitude) AS longitude
    FROM chosen GROUP BY country, city, currency
), ranked AS (
    SELECT
        counted.*,
        row_number() OVER (
            PARTITION BY currency ORDER BY total_minor DESC, country, city
        ) AS rank,
        (sum(transactions) OVER (PARTITION BY currency))::bigint AS of_currency,
        (sum(transactions) OVER ())::bigint AS read
    FROM counted
)
SELECT
    country, city, currency, transactions, total_minor, latitude, longitude, of_currency, read
FROM ranked WHERE rank <= %(places)s ORDER BY of_currency DESC, currency, rank LIMIT 2000
"""


def alert_counts(archive: Archive, span: TimeSpan) -> list[DictRow]:
    """Return how many alerts there are in all, and by bank, country, category, detector and time.

    Each row has `kind`, `name`, `at_ms` (milliseconds since 1970-01-01 UTC), `alerts`, those in
    force, and `on_trial`. `at_ms` is when a step of time begins, and of the others when the oldest
    was that is counted; `users` is how many there are in all.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    where, values = alert_conditions(span)
    more = {"most": MOST_ALERTS, "step": span.of.alert_step_ms, "names": _MOST_NAMES}
    return archive.ask(sql(_ALERTS.format(where=where)), values | more)


def bank_counts(archive: Archive, span: TimeSpan) -> list[DictRow]:
    """Return how many transactions the job counted: `name` of the bank, `at_ms`, `transactions`.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    where, values = stats_conditions(span)
    at = f"date_bin(%(step)s * interval '1 millisecond', s.window_start, {_SINCE})"
    query = (
        f"SELECT s.name, {_MS.format(at)} AS at_ms, sum(s.count)::bigint AS transactions "
        f"FROM analytics.transaction_stats AS s WHERE s.dimension = 'bank' AND {where} "
        f"GROUP BY 1, 2 ORDER BY 2, 1 LIMIT {_MOST_STEPS}"
    )
    return archive.ask(sql(query), values | {"step": span.of.step_ms})


def places(archive: Archive, span: TimeSpan) -> tuple[list[DictRow], int]:
    """Return what was paid where, and how many transactions each that was read stands for.

    A row is a place and a currency, those in which most is paid first: `transactions`,
    `total_minor`, the mean `latitude` and `longitude` in degrees, and `read`, how many were read
    in all; as many as `MOST_READ` means that some were not.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    one_in = _one_in(_transactions(archive, span))
    where, values = transaction_conditions(span)
    query = _PLACES.format(view=_SAMPLES[one_in], where=where)
    more = {"most": MOST_READ, "places": _MOST_PLACES}
    return archive.ask(sql(query), values | more), one_in


def alert_places(archive: Archive, span: TimeSpan) -> list[DictRow]:
    """Return alerts in force by `country` and `city`, those with the most first.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    where, values = alert_conditions(span)
    query = (
        "SELECT country, city, count(*) AS alerts FROM ("
        f"SELECT a.country, a.city, a.mode FROM analytics.alerts AS a WHERE {where} "
        "ORDER BY a.event_time DESC LIMIT %(most)s) AS chosen WHERE mode = 'active' "
        "GROUP BY country, city ORDER BY 3 DESC LIMIT 500"
    )
    return archive.ask(sql(query), values | {"most": MOST_ALERTS})


def _transactions(archive: Archive, span: TimeSpan) -> int:
    """Return how many transactions the job counted in all; 0 where there was no job."""
    where, values = stats_conditions(TimeSpan(until_ms=span.until_ms, window=span.window))
    query = (
        "SELECT coalesce(sum(s.count), 0)::bigint AS transactions "
        f"FROM analytics.transaction_stats AS s WHERE s.dimension = 'total' AND {where}"
    )
    return int(archive.ask(sql(query), values)[0]["transactions"])


def _one_in(transactions: int) -> int:
    """Return how large a sample of so many is to be, to stay below what is read at most."""
    return next((each for each in _SAMPLES if transactions // each <= MOST_READ), 10_000)
