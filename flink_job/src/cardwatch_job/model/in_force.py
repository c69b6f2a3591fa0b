"""Which models judge by which config: what was published, what is in force, what was refused. Pure.

Every subtask is told the same and comes to the same. A model that a config asks for and that is not
there, or no good, is refused; the last good one of that config stays.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final, Literal

from cardwatch_contracts.detector_config import (
    ARTEFACT_HASH,
    MODEL_NAME,
    Challenger,
    ConfigRecord,
)
from cardwatch_job.model.artefact import ArtefactError, read_artefact
from cardwatch_job.model.judging import Judging, JudgingModels
from cardwatch_job.model.scorer import Scorer

_log = logging.getLogger(__name__)

MAX_UNUSED: Final = 8
"""Published models that no config uses and that are remembered; the oldest goes first."""
MAX_REFUSED: Final = 64
"""Versions of which it is remembered why they were refused; the oldest goes first."""
_KEY: Final = re.compile(f"{MODEL_NAME[1:-2]}/{ARTEFACT_HASH[1:-2]}")
_NUMBER: Final = Struct(">q")
_PUBLISHED: Final = b"published/"
_REFUSED: Final = b"refused/"
_IN_FORCE: Final = b"in-force/"

Role = Literal["model", "challenger"]
_Version = tuple[str, str]
"""Name and hash."""


class ModelsInForce:
    """The models of all configs, in one subtask."""

    def __init__(self, learned: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Begin with what `take_changed` returned, all of it."""
        self._published: dict[_Version, tuple[Scorer, bytes]] = {}
        self._newest: dict[str, str] = {}
        self._refused: dict[_Version, str] = {}
        self._newest_refused: dict[str, str] = {}
        self._last_good: dict[tuple[str, Role], _Version] = {}
        self._judging: dict[tuple[str, int], JudgingModels] = {}
        self._changed: dict[bytes, bytes | None] = {}
        self._number = 0
        self._restore(learned)

    def of(self, record: ConfigRecord) -> JudgingModels | None:
        """Return the models that judge by a generation of a config; None: rules alone."""
        return self._judging.get((record.name, record.generation))

    def __iter__(self) -> Iterator[JudgingModels]:
        """Give those of every generation that has some."""
        return iter(self._judging.values())

    def publish(self, key: bytes | None, document: bytes | None) -> None:
        """Take a record of the topic `models`; `follow` is to be called then.

        One without a document withdraws its version: where a config uses it, it stays in use.
        """
        text = (key or b"").decode(errors="replace")
        if not _KEY.fullmatch(text):
            _log.warning("a model under key %r is passed over: it is no name/hash", text)
            return
        name, hash_ = text.split("/")
        if document is None:
            self._withdraw(name, hash_)
            return
        try:
            artefact = read_artefact(document)
            if (artefact.name, artefact.hash) != (name, hash_):
                raise ArtefactError(
                    f"mismatching: published as {name}/{hash_[:12]}, "
                    f"it is {artefact.name}/{artefact.hash[:12]}"
                )
            scorer = Scorer(artefact)
        except ArtefactError as error:
            _log.warning("model %s/%s is refused: %s", name, hash_, error)
            self._refuse(name, hash_, str(error))
            return
        self._accept(name, hash_)
        self._newest_refused.pop(name, None)
        self._published.pop((name, hash_), None)
        self._published[name, hash_] = scorer, document
        self._newest[name] = hash_
        self._note(_PUBLISHED, name, hash_, document)

    def follow(self, records: Iterable[ConfigRecord]) -> list[str]:
        """Put in force what configs ask for.

        Args:
            records: every generation that may still judge, oldest first within a name.

        Returns:
            Names of the configs whose models are others than before, or refused otherwise.
        """
        before, self._judging = self._judging, {}
        asked: set[tuple[str, Role]] = set()
        for record in records:
            model = None if record.withdrawn else record.spec.model
            if model is None or model.mode == "Off":
                continue
            key = record.name, record.generation
            refused: list[str] = []
            judging = []
            roles: list[tuple[Role, Challenger]] = [("model", model)]
            if model.challenger is not None:
                roles.append(("challenger", model.challenger))
            for role, wanted in roles:
                asked.add((record.name, role))
                found = self._find(record.name, role, wanted, refused)
                if found is not None:
                    shadow = role == "challenger" or model.mode == "Shadow"
                    judging.append(
                        Judging.of(found, wanted, role, "shadow" if shadow else "active")
                    )
            self._judging[key] = JudgingModels.continued(
                record, tuple(judging), "; ".join(refused), before.get(key)
            )
        for name, role in self._last_good.keys() - asked:
            del self._last_good[name, role]
            self._changed[_in_force_key(name, role)] = None
        self._forget_unused()
        changed = {
            name
            for name, generation in before.keys() | self._judging.keys()
            if not _same(before.get((name, generation)), self._judging.get((name, generation)))
        }
        return sorted(changed)

    def take_changed(self) -> list[tuple[bytes, bytes | None]]:
        """Return what is to be remembered beyond this run, since the last call; None: no more."""
        changed, self._changed = self._changed, {}
        return list(changed.items())

    def _find(
        self, config: str, role: Role, wanted: Challenger, refused: list[str]
    ) -> Scorer | None:
        """Return the model that is asked for, else the last good one; say what was refused."""
        hash_ = wanted.hash or self._newest.get(wanted.name, "")
        found = self._published.get((wanted.name, hash_))
        last = self._last_good.get((config, role))
        why = ""
        if wanted.hash is None and wanted.name in self._newest_refused:
            why = (
                f"the newest version of model {wanted.name} is {self._newest_refused[wanted.name]}"
            )
        elif found is None and wanted.hash is None:
            why = f"no model {wanted.name} is published"
        elif found is None:
            version = f"version {hash_[:12]} of model {wanted.name}"
            said = self._refused.get((wanted.name, hash_), "not published")
            why = f"{version} is {said}"
        if found is None and last is not None:
            found = self._published.get(last)
            hash_ = last[1]
        if why:
            stays = "rules alone judge" if found is None else f"{hash_[:12]} stays in force"
            refused.append(f"{why}; {stays}")
        if found is not None:
            version_of = (found[0].artefact.name, found[0].artefact.hash)
            if last != version_of:
                self._last_good[config, role] = version_of
                self._changed[_in_force_key(config, role)] = "/".join(version_of).encode()
        return None if found is None else found[0]

    def _refuse(self, name: str, hash_: str, why: str) -> None:
        self._accept(name, hash_)
        if len(self._refused) >= MAX_REFUSED:
            self._accept(*next(iter(self._refused)))
        self._refused[name, hash_] = why
        self._newest_refused[name] = why
        self._note(_REFUSED, name, hash_, why.encode())

    def _accept(self, name: str, hash_: str) -> None:
        """Forget why a version was refused, if it was."""
        why = self._refused.pop((name, hash_), None)
        if why is not None:
            self._changed[_key(_REFUSED, name, hash_)] = None
            if self._newest_refused.get(name) == why:
                del self._newest_refused[name]

    def _note(self, kind: bytes, name: str, hash_: str, value: bytes) -> None:
        """Have something remembered beyond this run, in the order in which it came."""
        self._number += 1
        self._changed[_key(kind, name, hash_)] = _NUMBER.pack(self._number) + value

    def _withdraw(self, name: str, hash_: str) -> None:
        self._accept(name, hash_)
        if (name, hash_) in self._last_good.values():
            _log.warning("model %s/%s was withdrawn, but is in use: it stays", name, hash_)
            return
        self._drop(name, hash_)

    def _drop(self, name: str, hash_: str) -> None:
        if self._published.pop((name, hash_), None) is None:
            return
        self._changed[_key(_PUBLISHED, name, hash_)] = None
        if self._newest.get(name) == hash_:
            del self._newest[name]
            for other, version in self._published:
                if other == name:
                    self._newest[name] = version

    def _forget_unused(self) -> None:
        used = set(self._last_good.values())
        unused = [version for version in self._published if version not in used]
        for name, hash_ in unused[: max(0, len(unused) - MAX_UNUSED)]:
            _log.warning("model %s/%s was not used by any config: forgotten", name, hash_)
            self._drop(name, hash_)

    def _restore(self, learned: Iterable[tuple[bytes, bytes]]) -> None:
        said = []
        for key, value in learned:
            if key.startswith(_IN_FORCE):
                config, role = key[len(_IN_FORCE) :].decode().split("/")
                name, hash_ = value.decode().split("/")
                self._last_good[config, _role(role)] = (name, hash_)
            elif key.startswith((_PUBLISHED, _REFUSED)):
                (number,) = _NUMBER.unpack_from(value)
                said.append((number, key, value[_NUMBER.size :]))
        for number, key, value in sorted(said):
            self._number = number - 1
            if key.startswith(_PUBLISHED):
                self.publish(key[len(_PUBLISHED) :], value)
            else:
                name, hash_ = key[len(_REFUSED) :].decode().split("/")
                self._refuse(name, hash_, value.decode())
        self._changed.clear()


def _role(name: str) -> Role:
    return "challenger" if name == "challenger" else "model"


def _key(kind: bytes, name: str, hash_: str) -> bytes:
    return kind + f"{name}/{hash_}".encode()


def _in_force_key(config: str, role: Role) -> bytes:
    return _IN_FORCE + f"{config}/{role}".encode()


def _same(before: JudgingModels | None, after: JudgingModels | None) -> bool:
    if before is None or after is None:
        return before is after
    return before.hashes == after.hashes and before.refused == after.refused
