"""What is pushed to browsers of how the platform is. Every value is absolute."""

from typing import Literal

import msgspec

State = Literal["well", "warn", "down", "unknown"]
"""`warn`: it works, and somebody should look; `unknown`: nothing says how it is."""


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part of the pipeline, as the picture shows it."""

    name: str
    """For programs: `job`, `alerts`, `archive` …"""
    state: State
    figure: str = ""
    """What counts most, such as `52.1/s`."""
    says: str = ""
    """How it is, in a sentence without an end."""


class TopicFlow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A topic of Kafka."""

    name: str
    per_s: float | None
    """Records a second of late; None: not known."""
    kept: int | None
    """Offsets from the oldest record that is kept to the newest; None: not known."""
    newest_at: int | None
    """When the newest record was written. Milliseconds since 1970-01-01 UTC; None: there is none,
    or nobody knows."""


class ReaderLag(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who reads a topic, and how far."""

    reader: str
    """A consumer group, or `archive`, whose place is in PostgreSQL."""
    topic: str
    waiting: int
    """Records that it has not read, by what it has said last."""
    still_s: float
    """How long it has not moved while records wait. Seconds; 0: it moves, or none waits."""


class SubtaskAck(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """One subtask's word on a config."""

    generation: int | None
    """By which it judges; None: it has not said so since the job started."""
    at: int | None
    """When it said so. Milliseconds since 1970-01-01 UTC."""
    refused: str = ""
    """Why it does not judge with the models that are asked for."""
    model: str = ""
    """The first digits of the hash of the model that it judges with; empty: by rules alone."""
    challenger: str = ""
    """Those of the model on trial."""


class ConfigAcks(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A config, and what each subtask judges by."""

    name: str
    generation: int
    """The newest that was published."""
    withdrawn: bool
    subtasks: list[SubtaskAck]
    """By their index."""


class Health(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the platform is."""

    parts: list[Part] = []
    topics: list[TopicFlow] = []
    readers: list[ReaderLag] = []
    troubles: list[str] = []
    """What is down, stale or behind, a sentence each; none: all that is known of is well."""
