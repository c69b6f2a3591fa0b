"""Which model a DetectorConfig is to have, by what the topics hold. Pure."""

from dataclasses import dataclass
from typing import Final, TypeVar

from msgspec.structs import replace

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import Challenger, ConfigRecord, Model
from cardwatch_local.models.changes import on_trial, promoted, tried_out
from cardwatch_local.models.in_force import Role, hash_in_force
from cardwatch_local.models.published import PublishedModels

_CHALLENGER: Final[Role] = "challenger"
_MODEL: Final[Role] = "model"
_Asked = TypeVar("_Asked", bound=Challenger)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What is wanted of a config."""

    wanted: Challenger | None
    """None: the model that the config tries out."""
    keeps_old: bool = False
    """Whether the model that was in force becomes the challenger."""
    is_trial: bool = False
    """Whether `wanted` is only to be tried out."""

    def model_for(
        self, record: ConfigRecord, published: PublishedModels, acks: Acknowledgements
    ) -> Model:
        """Return what `spec.model` becomes; what is promoted is named by its hash.

        Raises:
            StackError: the config tries no model out, or what it tries is not published.
        """
        spec = record.spec
        if self.wanted is not None and self.is_trial:
            return on_trial(spec, self.wanted)
        wanted = self.wanted
        if wanted is None:
            has_challenger = spec.model is not None and spec.model.challenger is not None
            role = _CHALLENGER if has_challenger else _MODEL
            wanted = _pinned(tried_out(record), hash_in_force(record, role, acks, published))
            published.find(f"{wanted.name}@{wanted.hash}" if wanted.hash else wanted.name)
            if spec.model is not None:  # its trial is over
                spec = replace(spec, model=replace(spec.model, challenger=None))
        if self.keeps_old and spec.model is not None:
            old = _pinned(spec.model, hash_in_force(record, _MODEL, acks, published))
            spec = replace(spec, model=old)
        return promoted(spec, wanted, keeps_old=self.keeps_old)


def _pinned(asked: _Asked, hash_: str | None) -> _Asked:
    return asked if hash_ is None else replace(asked, hash=hash_)
