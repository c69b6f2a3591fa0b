"""How the platform is, from what threads have found out and what was read. Bounded. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cardwatch_contracts.topics import (
    ALERTS,
    CARDS,
    CONFIG_ACKS,
    CONFIG_HISTORY,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
    REKEYED,
    STATS,
)
from cardwatch_visualizer.live.health_shapes import ConfigAcks, Health, ReaderLag, TopicFlow
from cardwatch_visualizer.live.judging import Seen, parts_of, troubles_of
from cardwatch_visualizer.live.pace import Pace, Standstill
from cardwatch_visualizer.live.rows import shown

COUNTED: Final = frozenset(
    topic.name for topic in (ALERTS, STATS, CARDS, CONFIG_ACKS, DETECTOR_CONFIGS, DEAD_LETTERS)
)
"""Topics whose records the collector reads and counts. Of others the offsets are compared."""
IN_TRANSACTIONS: Final = frozenset(
    topic.name for topic in (ALERTS, DEAD_LETTERS, REKEYED, DETECTOR_CONFIGS, CONFIG_HISTORY)
)
"""Topics written in Kafka transactions, each of which ends with a mark that has an offset too."""
_MOST_READERS: Final = 100
_TELL_EVERY_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSeen:
    """What Kafka says of a topic."""

    begins: Mapping[int, int]
    """The first offset that is kept, by partition."""
    ends: Mapping[int, int]
    """The offset after the last record, by partition."""
    newest_at: int | None
    """When the newest record was written, ms since 1970-01-01 UTC; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far somebody has read a topic."""

    reader: str
    topic: str
    offsets: Mapping[int, int]
    """The next offset to read, by partition; one that is left out: from its beginning."""


@dataclass(slots=True)
class _Topic:
    seen: TopicSeen
    pace: Pace = field(default_factory=Pace)


class HealthBoard:
    """What is known of topics, readers and sources. Not thread-safe."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}
        self._missing: tuple[str, ...] = ()
        self._readers: dict[tuple[str, str], tuple[Standstill, int]] = {}
        self._away: dict[str, str] = {}
        self._counted: Counter[str] = Counter()
        self._looked_ms: int | None = None
        self._told_ms = 0

    def count(self, topic: str) -> None:
        """Take a record of a topic that was written since the collector began."""
        if topic in COUNTED:
            self._counted[topic] += 1

    def note_topics(
        self, seen: Mapping[str, TopicSeen], missing: Iterable[str], now_ms: int
    ) -> None:
        """Take what Kafka says of all topics, and which it does not have."""
        self._looked_ms = now_ms
        self._missing = tuple(missing)
        self._away.pop("Kafka", None)
        self._topics = {name: self._topics.get(name, _Topic(each)) for name, each in seen.items()}
        for name, each in seen.items():
            topic = self._topics[name]
            topic.seen = each
            if name in COUNTED:
                topic.pace.note(self._counted[name], now_ms)
            elif name not in IN_TRANSACTIONS:
                topic.pace.note(sum(each.ends.values()), now_ms)

    def note_places(self, places: Sequence[Place], now_ms: int) -> None:
        """Take how far everybody is; who is not among them is forgotten."""
        readers = {}
        for place in places[:_MOST_READERS]:
            topic = self._topics.get(place.topic)
            if topic is None:
                continue
            key = (shown(place.reader), place.topic)
            still, _ = self._readers.get(key, (Standstill(), 0))
            waits = waiting(topic.seen, place.offsets, marked=place.topic in IN_TRANSACTIONS)
            still.note(sum(place.offsets.values()), waits, now_ms)
            readers[key] = still, waits
        self._readers = readers

    def note_away(self, source: str, why: str | None) -> None:
        """Take why a source does not answer; None: it does."""
        if why is None:
            self._away.pop(source, None)
        else:
            self._away[source] = why

    def due(self, acks: Sequence[ConfigAcks], now_ms: int) -> Health | None:
        """Return how everything is, once a second; None in between."""
        if abs(now_ms - self._told_ms) < _TELL_EVERY_MS:
            return None
        self._told_ms = now_ms
        return self.health(acks, now_ms)

    def health(self, acks: Sequence[ConfigAcks], now_ms: int) -> Health:
        """Return how everything is."""
        topics = [self._flow(name, topic) for name, topic in self._topics.items()]
        readers = [
            ReaderLag(reader=reader, topic=topic, waiting=waits, still_s=still.seconds(now_ms))
            for (reader, topic), (still, waits) in self._readers.items()
        ]
        seen = Seen(
            topics={topic.name: topic for topic in topics},
            missing=self._missing,
            readers=readers,
            away=self._away,
            acks=acks,
            looked_ms=self._looked_ms,
        )
        parts = parts_of(seen, now_ms)
        troubles = troubles_of(seen, parts, now_ms)
        return Health(parts=parts, topics=topics, readers=readers, troubles=troubles)

    def _flow(self, name: str, topic: _Topic) -> TopicFlow:
        seen, per_s = topic.seen, topic.pace.per_s()
        kept = sum(max(0, end - seen.begins.get(n, 0)) for n, end in seen.ends.items())
        return TopicFlow(
            name=name,
            per_s=None if per_s is None else round(per_s, 2),
            kept=kept,
            newest_at=seen.newest_at,
        )


def waiting(seen: TopicSeen, offsets: Mapping[int, int], *, marked: bool) -> int:
    """Return how many records lie behind these offsets.

    Args:
        seen: the topic.
        offsets: the next offset to read, by partition.
        marked: whether each of its Kafka transactions ends with a mark, which is no record: one
            at the end of a partition is not counted.
    """
    total = 0
    for number, end in seen.ends.items():
        begins = seen.begins.get(number, 0)
        left = end - max(offsets.get(number, begins), begins)
        total += max(0, left - 1 if marked else left)
    return total
