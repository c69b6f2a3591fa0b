"""Whether each part of the pipeline is well, in words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
    FEEDBACK,
    JOB_GROUP,
    STATS,
    TRANSACTIONS,
)
from cardwatch_visualizer.live.health_shapes import (
    ConfigAcks,
    Part,
    ReaderLag,
    TopicFlow,
)
from cardwatch_visualizer.live.subtasks import behind_in, in_words, refusing_in
from cardwatch_visualizer.live.words import lasted, rate

ARCHIVE: Final = "archive"
"""The reader whose places are in PostgreSQL."""
NO_ARCHIVE: Final = "no archive is set up"
_SILENT_S: Final = 15.0
"""So long after its last word the job is said to be silent, if there is anything to judge."""
_ARCHIVE_SILENT_S: Final = 60.0
_QUIET_MS: Final = 60_000
_LATE_S: Final = 30.0
_FEW: Final = 10_000
_LOOK_AGE_MS: Final = 15_000
_NO_KAFKA: Final = "Kafka does not answer"
_BESIDE: Final = (
    Part(name="gateway", state="unknown", says="reads in no group: its own /readyz tells"),
    Part(name="visualizer", state="well", says="its collector collects"),
    Part(name="valkey", state="well", says="takes what the collector writes"),
)
"""Of the last two: were they not well, nothing of this would reach anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is known."""

    topics: Mapping[str, TopicFlow]
    missing: Sequence[str]
    """Topics that Kafka does not have."""
    readers: Sequence[ReaderLag]
    away: Mapping[str, str]
    """Why `Kafka` or the `archive` does not answer."""
    acks: Sequence[ConfigAcks]
    looked_ms: int | None
    """When Kafka was asked last. Milliseconds since 1970-01-01 UTC; None: never."""


def parts_of(seen: Seen, now_ms: int) -> list[Part]:
    """Return the parts of the picture, in the direction of the flow."""
    return [
        _senders(seen, now_ms),
        *(_topic(seen, topic.name, now_ms) for topic in (TRANSACTIONS, FEEDBACK)),
        _configs(seen),
        _job(seen),
        *(_topic(seen, topic.name, now_ms) for topic in (ALERTS, STATS, CARD_PROFILES)),
        _dead_letters(seen, now_ms),
        _archiver(seen),
        *_BESIDE,
        _archive(seen),
    ]


def troubles_of(seen: Seen, parts: Sequence[Part], now_ms: int) -> list[str]:
    """Return what is not well, a sentence each; what is merely not known is none."""
    age_ms = 0 if seen.looked_ms is None else now_ms - seen.looked_ms
    is_old = age_ms > _LOOK_AGE_MS and "Kafka" not in seen.away
    return [
        *([f"What is said of Kafka is {lasted(age_ms / 1000)} old."] if is_old else []),
        *(f"{name}: {why}." for name, why in seen.away.items() if why != NO_ARCHIVE),
        *(f"Kafka has no topic {name}." for name in seen.missing),
        *(
            f"{part.name}: {part.says}."
            for part in parts
            if part.state in ("warn", "down")
            and part.says != _NO_KAFKA
            and part.name not in (*seen.away, *seen.missing)
        ),
    ]


def _topic(seen: Seen, name: str, now_ms: int) -> Part:
    if (unreachable := _unreachable(seen, name, now_ms)) is not None:
        return unreachable
    flow = seen.topics[name]
    return Part(name=name, state="well", figure=rate(flow.per_s), says=_newest(flow, now_ms))


def _senders(seen: Seen, now_ms: int) -> Part:
    flow = seen.topics.get(TRANSACTIONS.name)
    if flow is None or "Kafka" in seen.away:
        return Part(name="senders", state="unknown", says="not known without Kafka")
    if flow.newest_at is None:
        return Part(name="senders", state="unknown", says="nobody has sent a transaction yet")
    quiet_ms = now_ms - flow.newest_at
    if quiet_ms > _QUIET_MS and not flow.per_s:
        says = f"nobody has sent a transaction for {lasted(quiet_ms / 1000)}"
        return Part(name="senders", state="warn", figure=rate(flow.per_s), says=says)
    return Part(name="senders", state="well", figure=rate(flow.per_s), says="transactions come")


def _job(seen: Seen) -> Part:
    lag = _lag(seen, JOB_GROUP, TRANSACTIONS.name)
    if lag is None:
        return Part(name="job", state="unknown", says="has not judged anything yet")
    waits = f"{lag.waiting:,}"
    if lag.still_s >= _SILENT_S:
        says = f"has judged nothing for {lasted(lag.still_s)}, and {waits} transactions wait"
        return Part(name="job", state="down", figure=waits, says=says)
    flow = seen.topics.get(TRANSACTIONS.name)
    per_s = (flow.per_s if flow is not None else None) or 0.0
    if lag.waiting > max(_FEW, _LATE_S * per_s):
        says = f"is behind: {waits} transactions wait"
        return Part(name="job", state="warn", figure=waits, says=says)
    return Part(name="job", state="well", figure=waits, says="wait, by the last checkpoint")


def _configs(seen: Seen) -> Part:
    spoke = any(acks.subtasks for acks in seen.acks)
    name, figure = DETECTOR_CONFIGS.name, str(sum(not acks.withdrawn for acks in seen.acks))
    if not seen.acks:
        return Part(name=name, state="well", figure="0", says="built-in thresholds alone judge")
    if not spoke:
        return Part(name=name, state="unknown", figure=figure, says="no subtask has spoken yet")
    for acks in seen.acks:
        if missing := behind_in(acks):
            which = in_words(missing)
            says = f"generation {acks.generation} of {acks.name} is not judged by in {which}"
            return Part(name=name, state="warn", figure=figure, says=says)
        if refusing := refusing_in(acks):
            why = acks.subtasks[refusing[0]].refused
            says = f"{in_words(refusing)}: the models of {acks.name} are refused: {why}"
            return Part(name=name, state="warn", figure=figure, says=says)
    return Part(name=name, state="well", figure=figure, says="in force in every subtask")


def _dead_letters(seen: Seen, now_ms: int) -> Part:
    found = _topic(seen, DEAD_LETTERS.name, now_ms)
    flow = seen.topics.get(DEAD_LETTERS.name)
    if found.state != "well" or flow is None or not flow.per_s:
        return found
    says = "records come that cannot be read"
    return Part(name=found.name, state="warn", figure=found.figure, says=says)


def _archiver(seen: Seen) -> Part:
    lags = [lag for lag in seen.readers if lag.reader == ARCHIVE]
    if not lags:
        why = NO_ARCHIVE if seen.away.get(ARCHIVE) == NO_ARCHIVE else "its place is not known"
        return Part(name="archiver", state="unknown", says=why)
    total = f"{sum(lag.waiting for lag in lags):,}"
    worst = max(lags, key=lambda lag: lag.still_s)
    if worst.still_s >= _ARCHIVE_SILENT_S:
        says = (
            f"has written nothing of {worst.topic} for {lasted(worst.still_s)}, and "
            f"{worst.waiting:,} records wait"
        )
        return Part(name="archiver", state="down", figure=total, says=says)
    return Part(name="archiver", state="well", figure=total, says="records wait to be written")


def _archive(seen: Seen) -> Part:
    why = seen.away.get(ARCHIVE)
    if why is None:
        return Part(name=ARCHIVE, state="well", says="PostgreSQL answers")
    return Part(name=ARCHIVE, state="unknown" if why == NO_ARCHIVE else "down", says=why)


def _unreachable(seen: Seen, name: str, now_ms: int) -> Part | None:
    """Return a topic's part where it cannot be looked at; None where it can."""
    if "Kafka" in seen.away:
        return Part(name=name, state="down", says=_NO_KAFKA)
    if name in seen.missing:
        return Part(name=name, state="down", says="the topic is missing")
    if seen.looked_ms is None or name not in seen.topics:
        return Part(name=name, state="unknown", says="not looked at yet")
    if (age_ms := now_ms - seen.looked_ms) > _LOOK_AGE_MS:
        says = f"looked at {lasted(age_ms / 1000)} ago"
        return Part(name=name, state="unknown", says=says)
    return None


def _newest(flow: TopicFlow, now_ms: int) -> str:
    if flow.newest_at is None:
        return "empty"
    return f"newest {lasted(max(0, now_ms - flow.newest_at) / 1000)} old"


def _lag(seen: Seen, reader: str, topic: str) -> ReaderLag | None:
    found: Iterator[ReaderLag] = (
        lag for lag in seen.readers if (lag.reader, lag.topic) == (reader, topic)
    )
    return next(found, None)
