"""Which config judges with which model, by what the subtasks say. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import Challenger, ConfigAck, ConfigRecord
from cardwatch_local.models.published import PublishedModels, Version

Role = Literal["model", "challenger"]
ROLES: Final[tuple[Role, ...]] = ("model", "challenger")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWith:
    """One model of one config."""

    config: str
    role: Role
    version: Version | None
    """None: no subtask judges with one. Its name is empty where it is published no more."""
    subtasks: int
    """How many judge with it."""
    parallelism: int
    """How many there are; 0: none has spoken."""
    refused: str
    """Why the model that is asked for does not judge, in the words of a subtask; or empty."""


def asked_for(record: ConfigRecord) -> Iterator[tuple[Role, Challenger]]:
    """Give the models that a config asks for."""
    model = record.spec.model
    if record.withdrawn or model is None or model.mode == "Off":
        return
    yield "model", model
    if model.challenger is not None:
        yield "challenger", model.challenger


def judged_with(
    records: Iterable[ConfigRecord], acks: Acknowledgements, published: PublishedModels
) -> list[JudgedWith]:
    """Return a line for each config, role and version that is asked for or judges."""
    names = {record.version.hash: record.version.name for record in published}
    lines = []
    for record in records:
        said = [ack for ack in acks.of(record.name) if ack is not None]
        refused = next((ack.refused for ack in said if ack.refused), "")
        asked = dict(asked_for(record))
        for role in ROLES:
            hashes = Counter(filter(None, (_hash_in(ack, role) for ack in said)))
            versions: list[Version | None] = [Version(names.get(each, ""), each) for each in hashes]
            if not versions:
                if role not in asked:
                    continue
                versions = [None]
            lines += [
                JudgedWith(
                    config=record.name,
                    role=role,
                    version=version,
                    subtasks=0 if version is None else hashes[version.hash],
                    parallelism=acks.parallelism or 0,
                    refused=refused,
                )
                for version in versions
            ]
    return lines


def hash_in_force(
    record: ConfigRecord, role: Role, acks: Acknowledgements, published: PublishedModels
) -> str | None:
    """Return the version that a config without a hash means just now; None: there is none.

    That with which the subtasks judge, else the newest that is published.
    """
    wanted = dict(asked_for(record)).get(role)
    if wanted is None or wanted.hash is not None:
        return None if wanted is None else wanted.hash
    said = {_hash_in(ack, role) for ack in acks.of(record.name) if ack is not None}
    if len(said) == 1 and published.get(Version(wanted.name, *said)) is not None:
        return said.pop()
    newest = published.newest(wanted.name)
    return None if newest is None else newest.version.hash


def configs_that_use(
    version: Version,
    records: Iterable[ConfigRecord],
    acks: Acknowledgements,
    published: PublishedModels,
) -> list[str]:
    """Return the configs that ask for a version, or by which a subtask judges with it."""
    newest = published.newest(version.name)
    found = []
    for record in records:
        asks = any(
            wanted.name == version.name
            and (
                wanted.hash == version.hash
                or (wanted.hash is None and newest is not None and newest.version == version)
            )
            for _, wanted in asked_for(record)
        )
        said = (ack for ack in acks.of(record.name) if ack is not None)
        if asks or any(version.hash in (ack.model, ack.challenger) for ack in said):
            found.append(record.name)
    return sorted(found)


def _hash_in(ack: ConfigAck, role: Role) -> str:
    return ack.model if role == "model" else ack.challenger
