"""What an erasure cannot reach, and how long it stays. Pure."""

from collections.abc import Iterator
from typing import Final

from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    CARDS,
    DEAD_LETTERS,
    FEEDBACK,
    REKEYED,
    TRANSACTIONS,
    USER_HABITS,
    VERDICTS,
    Topic,
)

KEPT: Final = (TRANSACTIONS, REKEYED, ALERTS, VERDICTS, DEAD_LETTERS, FEEDBACK)
"""Topics that name users, from which Kafka removes nothing before its time."""

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS


def remains() -> Iterator[tuple[str, str]]:
    """Yield each place in which something stays, and until when."""
    for topic in KEPT:
        yield f"topic {topic.name}", f"until {_age(topic)} after it was sent"
    yield (
        f"topics {CARDS.name}, {CARD_PROFILES.name}, {USER_HABITS.name}",
        "earlier values until Kafka has compacted the topic, the tombstones a day longer",
    )
    yield (
        "Flink's checkpoints and savepoints",
        "those from before the erasure until they are removed; a job that goes on from one forgets "
        "the user again, one that starts without any judges what Kafka still has",
    )
    yield "exports and backups", "as long as whoever made them keeps them"


def _age(topic: Topic) -> str:
    days, rest_ms = divmod(topic.retention_ms, _DAY_MS)
    if not rest_ms:
        return f"{days} day{'s' if days != 1 else ''}"
    hours = topic.retention_ms // _HOUR_MS
    return f"{hours} hour{'s' if hours != 1 else ''}"
