"""Savepoints kept in the repository, one for each schema version of the job's state.

A file holds the savepoint, every record the job had read by then, and how the story goes on.
"""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from confluent_kafka import Producer

from cardwatch_job.pending import names_in
from cardwatch_job.settings import JobSettings

FOLDER: Final = Path(__file__).parent / "savepoints"
_STORY: Final = "story.json"
_SAVEPOINT: Final = "savepoint"
_LONG_AGO_S: Final = 1_700_000_000
"""When every file in an archive was written, it says: no Kafka keeps a transaction for as long, so
the job looks whether any of the savepoint's is still to be committed. Epoch seconds."""


class KeptRecord(msgspec.Struct, frozen=True):
    """A record of an input topic."""

    topic: str
    partition: int
    key: str
    value: str


class Verdict(msgspec.Struct, frozen=True):
    """What an alert says."""

    config: str
    generation: int
    detectors: tuple[str, ...]
    """In alphabetical order."""


class Step(msgspec.Struct, frozen=True):
    """Records that are sent together."""

    records: tuple[KeptRecord, ...]
    judged: int
    """How many transactions are judged in consequence."""


class KeptStory(msgspec.Struct, frozen=True, kw_only=True):
    """What the job had read, and what it must make of the rest."""

    arguments: tuple[str, ...]
    """The job's own arguments."""
    before: tuple[Step, ...]
    """All that came before the savepoint."""
    after: tuple[Step, ...]
    """What comes after it."""
    waiting: str
    """Value of a transaction that waits for earlier ones at the savepoint."""
    detectors: tuple[str, ...]
    """All there were."""
    configs: dict[str, tuple[int, ...]]
    """Generations that may still judge, by name."""
    alerts: dict[str, Verdict]
    """By transaction id: every alert that is written after the savepoint, and no other."""
    window_currency: str
    """Of this currency one window has transactions from before and from after."""
    window_count: int
    """How many, together."""


def kept(schema_version: int, folder: Path = FOLDER) -> Path:
    """Return where the savepoint of a schema version is kept."""
    return folder / f"schema-{schema_version}.tar.xz"


def pack(savepoint: Path, story: KeptStory, archive: Path) -> None:
    """Write a savepoint and its story into an archive that does not depend on when or where."""
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        _add(tar, _STORY, msgspec.json.format(msgspec.json.encode(story)))
        for path in sorted(savepoint.rglob("*")):
            if path.is_file():
                _add(tar, f"{_SAVEPOINT}/{path.relative_to(savepoint)}", path.read_bytes())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(content), _LONG_AGO_S
    tar.addfile(entry, io.BytesIO(content))


def read_story(archive: Path) -> KeptStory:
    """Return the story of an archive."""
    with tarfile.open(archive) as tar:
        file = tar.extractfile(_STORY)
        assert file is not None
        return msgspec.json.decode(file.read(), type=KeptStory)


def unpack(archive: Path, folder: Path) -> None:
    """Put an archive's savepoint into `folder`, as old as it is."""
    with tarfile.open(archive) as tar:
        for entry in tar.getmembers():
            name = Path(entry.name)
            file = tar.extractfile(entry)
            if name.parts[0] == _SAVEPOINT and file is not None:
                path = folder / name.relative_to(_SAVEPOINT)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read())
                os.utime(path, (entry.mtime, entry.mtime))


def unfinished(savepoint: Path) -> set[str]:
    """Return the Kafka transactions in a savepoint; no other broker could commit them."""
    prefix = JobSettings(bootstrap_servers="").sink_prefix
    return {name for content in _contents(savepoint) for name in names_in(content, prefix)}


def holds(savepoint: Path, value: str) -> bool:
    """Whether the value of a record is in a savepoint: the transaction waits for earlier ones."""
    return any(value.encode() in content for content in _contents(savepoint))


def _contents(savepoint: Path) -> Iterator[bytes]:
    yield from (path.read_bytes() for path in savepoint.rglob("*") if path.is_file())


def send(bootstrap_servers: str, step: Step) -> None:
    """Send records in their order, each to its partition, so that each gets the offset it had."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "enable.idempotence": True})
    for record in step.records:
        producer.produce(
            record.topic,
            record.value.encode(),
            record.key.encode(),
            partition=record.partition,
        )
    assert producer.flush(20) == 0
