"""How far the archive is, by its own word."""

from collections.abc import Mapping
from typing import Final

from psycopg.sql import SQL

from cardwatch_visualizer.archive.connection import Archive
from cardwatch_visualizer.live.health import Place
from cardwatch_visualizer.live.judging import ARCHIVE

_POSITIONS: Final = SQL("""
SELECT topic, partition, next_offset FROM analytics.positions
WHERE (topic, topic_id) IN (SELECT * FROM unnest(%(topics)s::text[], %(ids)s::text[]))
ORDER BY topic, partition
""")


def archived_places(archive: Archive, topic_ids: Mapping[str, str]) -> list[Place]:
    """Return the archive's place in each topic.

    Args:
        archive: which.
        topic_ids: Kafka's ids of topics by their names: a topic that was made anew has another.

    Raises:
        ArchiveAwayError: it does not answer in time.
    """
    rows = archive.ask(_POSITIONS, {"topics": list(topic_ids), "ids": list(topic_ids.values())})
    offsets: dict[str, dict[int, int]] = {}
    for row in rows:
        offsets.setdefault(row["topic"], {})[row["partition"]] = row["next_offset"]
    return [Place(reader=ARCHIVE, topic=topic, offsets=each) for topic, each in offsets.items()]
