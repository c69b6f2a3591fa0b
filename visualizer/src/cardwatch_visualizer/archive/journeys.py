"""Where a card was before, for arcs on the map."""

from typing import Final

from psycopg.sql import SQL

from cardwatch_visualizer.archive.connection import Archive
from cardwatch_visualizer.live.board import Arc
from cardwatch_visualizer.live.shapes import AlertRow

TRAVELS: Final = frozenset({"impossible_travel", "multi_card_distance"})
"""Detectors that object to a journey."""
_BEFORE: Final = SQL(
    "SELECT longitude, latitude FROM analytics.transactions "
    "WHERE {column} = %(name)s AND event_time < to_timestamp(%(at)s / 1000.0) "
    "ORDER BY event_time DESC LIMIT 1"
)
_BEFORE_OF_CARD: Final = _BEFORE.format(column=SQL("card_id"))
_BEFORE_OF_USER: Final = _BEFORE.format(column=SQL("user_id"))


def arc_of(archive: Archive, row: AlertRow) -> Arc | None:
    """Return the journey that an alert objects to; None where the archive does not know it.

    Raises:
        ArchiveAwayError: the archive does not answer.
    """
    of_card = "impossible_travel" in row.detectors
    found = archive.ask(
        _BEFORE_OF_CARD if of_card else _BEFORE_OF_USER,
        {"name": row.card_id if of_card else row.user_id, "at": row.event_time},
    )
    if not found:
        return None
    was = found[0]
    return was["longitude"], was["latitude"], row.longitude, row.latitude
