"""What a DetectorConfig says of its model, changed. Pure."""

import shlex
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from cardwatch_contracts.detector_config import Challenger, ConfigRecord, DetectorConfigSpec, Model
from cardwatch_local.errors import StackError
from cardwatch_operator.models import DIGITS


def promoted(spec: DetectorConfigSpec, wanted: Challenger, *, keeps_old: bool) -> Model:
    """Return what `spec.model` becomes where `wanted` is to raise alerts.

    The challenger stays, unless it is the one that was promoted; with `keeps_old` the model that
    was in force takes its place.
    """
    old = spec.model
    challenger = None if old is None else old.challenger
    if keeps_old and old is not None:
        challenger = _as_challenger(old)
    if challenger is not None and is_same(challenger, wanted):
        challenger = None
    return _as_model(wanted, challenger=challenger)


def on_trial(spec: DetectorConfigSpec, wanted: Challenger) -> Model:
    """Return what `spec.model` becomes where `wanted` is tried out.

    It is the challenger of the model in force; where there is none, it is the model, and its
    findings are marked as a trial.
    """
    if spec.model is None or spec.model.mode == "Off" or is_same(spec.model, wanted):
        return replace(_as_model(wanted), mode="Shadow")
    return replace(spec.model, challenger=_as_challenger(wanted))


def tried_out(record: ConfigRecord) -> Challenger:
    """Return the model that a config tries out: its challenger, else a model in the shadow.

    Raises:
        StackError: it tries none.
    """
    model = record.spec.model
    if model is not None and model.challenger is not None:
        return model.challenger
    if model is not None and model.mode == "Shadow":
        return _as_challenger(model)
    raise StackError(
        f"detectorconfig/{record.name} tries no model out: give one, as in "
        f"`cardwatch model promote {record.name} NAME`, or put one on trial with --trial"
    )


def is_same(one: Challenger, other: Challenger) -> bool:
    """Whether both name the same version."""
    return (one.name, one.hash) == (other.name, other.hash)


def in_words(model: Model | None) -> str:
    """Say which models a config asks for."""
    if model is None:
        return "rules alone"
    said = f"{_version(model)} ({model.mode})"
    if model.challenger is not None:
        said += f", challenger {_version(model.challenger)}"
    return said


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that makes `after` of `before`."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            if changes := merge_patch(old, value):
                patch[name] = changes
        elif old != value:
            patch[name] = value
    return patch


def kubectl_line(record: ConfigRecord, model: Model | None) -> str:
    """Return the command that says the same to the Kubernetes resource of a config."""
    assert record.origin is not None, "it is a resource of Kubernetes"
    before, after = (_spec_of(each) for each in (record.spec.model, model))
    patch = msgspec.json.encode({"spec": merge_patch(before, after)}).decode()
    return (
        f"kubectl patch detectorconfig {record.name} --namespace {record.origin.namespace} "
        f"--type merge --patch {shlex.quote(patch)}"
    )


def _spec_of(model: Model | None) -> dict[str, Any]:
    return {} if model is None else {"model": msgspec.to_builtins(model)}


def _as_challenger(model: Challenger) -> Challenger:
    return Challenger(**{name: getattr(model, name) for name in Challenger.__struct_fields__})


def _as_model(wanted: Challenger, challenger: Challenger | None = None) -> Model:
    shared = {name: getattr(wanted, name) for name in Challenger.__struct_fields__}
    return Model(**shared, challenger=challenger)


def _version(model: Challenger) -> str:
    return f"{model.name}@{model.hash[:DIGITS]}" if model.hash else f"{model.name} (the newest)"
