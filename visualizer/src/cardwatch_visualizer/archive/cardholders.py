"""What the page of users and cards asks the archive, over a bounded number of rows."""

from typing import Any, Final

from psycopg.rows import DictRow
from psycopg.sql import SQL

from cardwatch_visualizer.archive.connection import Archive

MOST_READ: Final = 2_000
"""Transactions of a user that are looked at: the newest."""
MOST_LEARNED: Final = 300
"""Transactions of a card by which it is shown how its profile learned: the newest."""

# A producer may have sent a transaction twice; the job judges it once.
_MINE: Final = """
WITH mine AS (
    SELECT DISTINCT ON (event_time, transaction_id) *
    FROM analytics.transactions WHERE user_id = %(user)s
    ORDER BY event_time DESC, transaction_id LIMIT %(most)s
)
"""
_CARDS: Final = SQL(
    _MINE
    + """
SELECT
    card_id,
    (array_agg(bank_id ORDER BY event_time DESC))[1] AS bank_id,
    (array_agg(payment_system ORDER BY event_time DESC))[1] AS payment_system,
    mode() WITHIN GROUP (ORDER BY currency) AS currency,
    count(*) AS transactions,
    (extract(epoch FROM min(event_time)) * 1000)::bigint AS first_ms,
    (extract(epoch FROM max(event_time)) * 1000)::bigint AS last_ms,
    (avg(amount_minor) FILTER (WHERE amount_minor > 0))::double precision AS average_minor,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY amount_minor)
        FILTER (WHERE amount_minor > 0) AS median_minor,
    max(amount_minor) AS largest_minor,
    (array_agg(card_limit_minor ORDER BY event_time DESC)
        FILTER (WHERE card_limit_minor IS NOT NULL))[1] AS limit_minor,
    count(*) FILTER (WHERE pin_used) AS with_pin
FROM mine GROUP BY card_id ORDER BY last_ms DESC, card_id LIMIT 64
"""
)
_PLACES: Final = SQL(
    _MINE
    + """
SELECT
    country, city, count(*) AS transactions, avg(latitude) AS latitude, avg(longitude) AS longitude,
    (extract(epoch FROM min(event_time)) * 1000)::bigint AS first_ms,
    (extract(epoch FROM max(event_time)) * 1000)::bigint AS last_ms
FROM mine GROUP BY country, city ORDER BY transactions DESC, country, city LIMIT 100
"""
)
_HABITS: Final = SQL(
    _MINE
    + """
(
    SELECT 'category' AS kind, merchant_category AS name, count(*) AS transactions
    FROM mine GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT 8
) UNION ALL (
    SELECT 'channel', channel, count(*) FROM mine GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT 8
)
"""
)
_LEARNING: Final = SQL("""
SELECT
    t.transaction_id, (extract(epoch FROM t.event_time) * 1000)::bigint AS event_time,
    t.amount_minor, t.currency, t.merchant_id, t.city, f.alert_id, f.baseline
FROM (
    SELECT DISTINCT ON (event_time, transaction_id)
        event_time, transaction_id, amount_minor, currency, merchant_id, city
    FROM analytics.transactions WHERE card_id = %(card)s
    ORDER BY event_time DESC, transaction_id LIMIT %(most)s
) AS t
LEFT JOIN LATERAL (
    SELECT
        f.alert_id::text AS alert_id,
        max(f.baseline) FILTER (WHERE f.unit = 'minor') AS baseline
    FROM analytics.findings AS f WHERE f.transaction_id = t.transaction_id
    GROUP BY f.alert_id LIMIT 1
) AS f ON true
ORDER BY t.event_time, t.transaction_id
""")
_USER_OF: Final = SQL("""
SELECT user_id FROM analytics.transactions WHERE card_id = %(card)s
ORDER BY event_time DESC LIMIT 1
""")
_KNOWS: Final = SQL("""
SELECT
    EXISTS (SELECT FROM analytics.transactions WHERE user_id = %(user)s)
    OR EXISTS (SELECT FROM analytics.alerts WHERE user_id = %(user)s) AS known
""")
_MOST_ALERTS: Final = SQL("""
SELECT
    user_id,
    count(*) FILTER (WHERE mode = 'active') AS alerts,
    count(*) FILTER (WHERE mode = 'shadow') AS on_trial,
    count(DISTINCT card_id) AS cards,
    (extract(epoch FROM max(event_time)) * 1000)::bigint AS last_ms
FROM (
    SELECT user_id, card_id, mode, event_time FROM analytics.alerts
    WHERE event_time >= to_timestamp(%(since)s / 1000.0)
    ORDER BY event_time DESC LIMIT 100000
) AS latest
GROUP BY user_id ORDER BY alerts DESC, on_trial DESC, user_id LIMIT 20
""")


def cards(archive: Archive, user_id: str) -> list[DictRow]:
    """Return a user's cards, the one used last first, with sums over their latest transactions.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return archive.ask(_CARDS, _of(user_id))


def places(archive: Archive, user_id: str) -> list[DictRow]:
    """Return where a user's latest transactions were, most of them first.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return archive.ask(_PLACES, _of(user_id))


def habits(archive: Archive, user_id: str) -> list[DictRow]:
    """Return how many of a user's latest transactions are of each `category` and `channel`.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return archive.ask(_HABITS, _of(user_id))


def learning(archive: Archive, card_id: str) -> list[DictRow]:
    """Return a card's latest transactions, oldest first, each with its alert's id if it has one.

    `baseline` is what a detector took for usual at that moment, in minor units.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return archive.ask(_LEARNING, {"card": card_id, "most": MOST_LEARNED})


def user_of(archive: Archive, card_id: str) -> str | None:
    """Return whose a card is; None where the archive has no transaction with it.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    rows = archive.ask(_USER_OF, {"card": card_id})
    return rows[0]["user_id"] if rows else None


def knows_user(archive: Archive, user_id: str) -> bool:
    """Return whether the archive has anything of a user.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return bool(archive.ask(_KNOWS, {"user": user_id})[0]["known"])


def most_alerts(archive: Archive, since_ms: int) -> list[DictRow]:
    """Return the users with the most alerts by event time since then (ms since 1970-01-01 UTC).

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    return archive.ask(_MOST_ALERTS, {"since": since_ms})


def _of(user_id: str) -> dict[str, Any]:
    return {"user": user_id, "most": MOST_READ}
