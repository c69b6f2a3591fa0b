"""Models on the topic `models`: which are there, and sending and withdrawing one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import MODELS
from cardwatch_job.model.artefact import Artefact, ArtefactError, encode_artefact, read_artefact
from cardwatch_local.errors import StackError
from cardwatch_local.models.sending import Sender
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.topic import key_of, read_topic, value_of
from cardwatch_operator.models import DIGITS


class Version(NamedTuple):
    """One version of a model."""

    name: str
    hash: str

    def __str__(self) -> str:
        return f"{self.name}@{self.hash[:DIGITS]}"

    @property
    def key(self) -> bytes:
        """The key of its record."""
        return f"{self.name}/{self.hash}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A record of the topic."""

    version: Version
    published_at: int
    """When Kafka took it. Milliseconds since 1970-01-01 UTC."""
    size: int
    """Bytes."""
    artefact: Artefact | None
    """None: it is refused."""
    refused: str = ""
    """Why."""


class PublishedModels:
    """What the topic holds, as the job understands it."""

    def __init__(self) -> None:
        self._records: dict[Version, Published] = {}

    def __iter__(self) -> Iterator[Published]:
        """Give what is there, in the order in which it came."""
        return iter(self._records.values())

    def take(self, key: bytes, document: bytes | None, published_at: int) -> None:
        """Take a record; a later one of its key replaces it, one without a document ends it."""
        name, _, hash_ = key.decode(errors="replace").partition("/")
        version = Version(name, hash_)
        self._records.pop(version, None)
        if document is not None:
            artefact, refused = _read(version, document)
            self._records[version] = Published(
                version=version,
                published_at=published_at,
                size=len(document),
                artefact=artefact,
                refused=refused,
            )

    def get(self, version: Version) -> Published | None:
        """Return one that judges, None where it is not there or is refused."""
        found = self._records.get(version)
        return found if found is not None and found.artefact is not None else None

    def newest(self, name: str) -> Published | None:
        """Return what a config without a hash means: the last that came and is not refused."""
        found = None
        for record in self:
            if record.version.name == name and record.artefact is not None:
                found = record
        return found

    def find(self, wanted: str, *, refused_too: bool = False) -> Published:
        """Return the version that `NAME` or `NAME@HASH` means; the first digits of a hash will do.

        `refused_too`: one that is refused is found by its hash all the same.

        Raises:
            StackError: there is none, more than one, or it is refused; says what there is.
        """
        name, at, digits = wanted.partition("@")
        own = [record for record in self if record.version.name == name]
        if not own:
            names = ", ".join(sorted({record.version.name for record in self})) or "none at all"
            raise StackError(
                f"no model {name!r} is published; there is {names}: "
                f"`cardwatch model publish {name}` publishes one"
            )
        if not at:
            newest = self.newest(name)
            if newest is None:
                raise StackError(f"model {own[-1].version} is refused: {own[-1].refused}")
            return newest
        matching = [record for record in own if digits and record.version.hash.startswith(digits)]
        if len(matching) != 1:
            there = ", ".join(record.version.hash[:DIGITS] for record in own)
            said = "no version" if not matching else f"{len(matching)} versions"
            raise StackError(
                f"{wanted}: {said} of model {name} with a hash that begins so; there is {there}"
            )
        if matching[0].artefact is None and not refused_too:
            raise StackError(f"model {matching[0].version} is refused: {matching[0].refused}")
        return matching[0]


def read_published(kafka: Kafka, steps: StepListener) -> PublishedModels:
    """Read the topic to its end.

    Raises:
        StackError: The broker does not answer, or refuses the user.
    """
    models = PublishedModels()
    step = f"read topic {MODELS.name}"
    steps.started(step, None)
    for number, message in enumerate(read_topic(kafka, MODELS), start=1):
        models.take(key_of(message) or b"", value_of(message), message.timestamp()[1])
        steps.advanced(step, number)
    steps.finished(step)
    return models


def send_model(kafka: Kafka, artefact: Artefact, steps: StepListener) -> None:
    """Publish a model; returns when Kafka has it.

    Raises:
        StackError: Kafka does not take it.
    """
    _send(kafka, Version(artefact.name, artefact.hash), encode_artefact(artefact), steps)


def withdraw_model(kafka: Kafka, version: Version, steps: StepListener) -> None:
    """Have Kafka forget a version; returns when it knows.

    Raises:
        StackError: Kafka does not take the tombstone.
    """
    _send(kafka, version, None, steps)


def _send(kafka: Kafka, version: Version, document: bytes | None, steps: StepListener) -> None:
    step = f"send to topic {MODELS.name}"
    steps.started(step, 1)
    sender = Sender(kafka, MODELS)
    sender.send(version.key, document)
    sender.flush()
    steps.finished(step)


def _read(version: Version, document: bytes) -> tuple[Artefact | None, str]:
    """Return the model, or why it is refused."""
    try:
        artefact = read_artefact(document)
    except ArtefactError as error:
        return None, str(error)
    if (artefact.name, artefact.hash) != version:
        return None, f"it says that it is {artefact.name}@{artefact.hash[:DIGITS]}"
    return artefact, ""
