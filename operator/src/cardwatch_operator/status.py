"""What `status` of a DetectorConfig says. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import ConfigRecord, Origin, Selector
from cardwatch_operator.known import KnownConfig
from cardwatch_operator.models import (
    missing_in_words,
    models_in_force,
    refusal_in_words,
    some,
)
from cardwatch_operator.resources import Resource, to_time

Truth = Literal["True", "False", "Unknown"]
LABEL_SELECTOR: Final = "app={job},component=taskmanager"
"""By which an autoscaler finds the pods that share the load: those of the job's TaskManagers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One of `status.conditions`, without its times."""

    type: Literal["Ready", "Applied", "Rescaled"]
    status: Truth
    reason: str
    message: str

    @property
    def is_true(self) -> bool:
        """Whether it holds."""
        return self.status == "True"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of one resource."""

    resource: Resource
    known: KnownConfig
    acks: Acknowledgements
    namesake: Resource | None
    """Who has the name already, in another namespace."""
    winner: Resource | None
    """Who judges transactions that this one claims too."""
    rescaled: Condition
    parallelism: int | None
    """How many subtasks the job runs with; None: nobody has said."""
    alerts_per_minute: int | None
    """How many alerts say its name; None: nobody has counted."""


def status_of(situation: Situation, *, now_ms: int, ack_timeout_ms: int) -> dict[str, Any]:
    """Return the whole of `status`, its conditions' times included."""
    resource, current = situation.resource, situation.known.in_force
    applied = _applied(situation, now_ms=now_ms, ack_timeout_ms=ack_timeout_ms)
    conditions = (_ready(situation, applied), applied, situation.rescaled)
    status: dict[str, Any] = {
        "observedGeneration": resource.revision,
        "conditions": _with_times(conditions, resource, now_ms),
    }
    if situation.parallelism is not None:
        status["parallelism"] = situation.parallelism
    if resource.spec is not None:
        status["labelSelector"] = LABEL_SELECTOR.format(job=resource.spec.job_ref)
    before = resource.status
    if current is not None:
        status["selects"] = in_words(current.spec.selector)
        status["subtasks"] = _subtasks(situation, current)
        status |= models_in_force(situation.acks.of(current.name), before)
    alerts = situation.alerts_per_minute
    if alerts is None:
        alerts = before.get("alertsPerMinute")  # until the operator has counted for a minute
    if alerts is not None and _owner_of_the_name(situation) is None:
        status["alertsPerMinute"] = alerts
    if applied.is_true and current is not None:
        applied_at = situation.acks.applied_at(current)
        status["appliedGeneration"] = current.generation
        status["appliedAt"] = to_time(applied_at)
        status["millisecondsToApply"] = (
            before["millisecondsToApply"]
            if before.get("appliedGeneration") == current.generation
            and "millisecondsToApply" in before
            else max(0, applied_at - situation.known.published_at)
        )
    else:
        for name in ("appliedGeneration", "appliedAt", "millisecondsToApply"):
            if name in before:
                status[name] = before[name]
    return status


def in_words(selector: Selector) -> str:
    """Return what a selector selects, in a line."""
    given = msgspec.to_builtins(selector)  # the lists that are not empty
    return "; ".join(f"{name} {some(values)}" for name, values in given.items()) or "everything"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Condition]:
    """Return the conditions of a status that say something else than before."""
    said = {each["type"]: (each["status"], each["reason"]) for each in _conditions(before)}
    return [
        Condition(
            type=each["type"],
            status=each["status"],
            reason=each["reason"],
            message=each["message"],
        )
        for each in _conditions(after)
        if said.get(each["type"]) != (each["status"], each["reason"])
    ]


def _applied(situation: Situation, *, now_ms: int, ack_timeout_ms: int) -> Condition:
    resource, current = situation.resource, situation.known.in_force
    if resource.spec is None:
        stays = (
            "the built-in defaults judge"
            if current is None
            else f"generation {current.generation} stays in force"
        )
        return _not_applied("InvalidSpec", f"{resource.error}; {stays}")
    owner = _owner_of_the_name(situation)
    if owner is not None:
        return _not_applied(
            "NameTaken",
            f"namespace {owner} has a DetectorConfig {resource.name}: take another name",
        )
    if current is None or current.origin is None or not _is_of(current.origin, resource):
        return _not_applied("Publishing", "this change is not published yet")
    return _word_of_subtasks(situation, current, now_ms=now_ms, ack_timeout_ms=ack_timeout_ms)


def _word_of_subtasks(
    situation: Situation, current: ConfigRecord, *, now_ms: int, ack_timeout_ms: int
) -> Condition:
    """Say what subtasks have answered to what is published."""
    acks = situation.acks
    if not _runs_anew(situation):
        if acks.complete(current):
            message = f"all {acks.parallelism} subtasks judge by generation {current.generation}"
            return Condition(type="Applied", status="True", reason="Acknowledged", message=message)
        if acks.refusals(current):
            return _not_applied("ModelRefused", refusal_in_words(acks, current))
    return _waiting(situation, current, now_ms=now_ms, ack_timeout_ms=ack_timeout_ms)


def _waiting(
    situation: Situation, current: ConfigRecord, *, now_ms: int, ack_timeout_ms: int
) -> Condition:
    """Say who has not acknowledged what is published."""
    acks, generation = situation.acks, f"generation {current.generation}"
    if _runs_anew(situation):
        who = f"the {situation.parallelism} subtasks that run now"
        return _not_applied("Waiting", f"none of {who} has acknowledged {generation} yet")
    if acks.parallelism is None:
        assert situation.resource.spec is not None, "it was published"
        job = situation.resource.spec.job_ref
        message = f"no subtask of job {job} has acknowledged {generation}"
    else:
        message = missing_in_words(acks, current)
    asked_at = max(situation.known.published_at, acks.started_at)
    if acks.parallelism and not acks.silent(current):  # what is missing is a model, which is newer
        asked_at = max(asked_at, acks.applied_at(current))
    if now_ms - asked_at < ack_timeout_ms:
        return _not_applied("Waiting", f"{message} yet")
    return _not_applied("AckTimeout", f"{message} within {ack_timeout_ms / 1000:g} s; tried again")


def _subtasks(situation: Situation, current: ConfigRecord) -> str:
    """Return how many subtasks judge by a record, and of how many."""
    if _runs_anew(situation):
        return f"0/{situation.parallelism}"
    there = situation.acks.parallelism or 0
    return f"{there - len(situation.acks.missing(current))}/{there}"


def _runs_anew(situation: Situation) -> bool:
    """Whether the job was rescaled since the acknowledgements: they are of a run that is over."""
    return situation.acks.parallelism not in (None, situation.parallelism)


def _owner_of_the_name(situation: Situation) -> str | None:
    """Return the namespace whose DetectorConfig of this name is in force, if it is another's."""
    if situation.namesake is not None:
        return situation.namesake.namespace
    origin = situation.known.in_force.origin if situation.known.in_force is not None else None
    here = situation.resource.namespace
    return None if origin is None or origin.namespace == here else origin.namespace


def _is_of(origin: Origin, resource: Resource) -> bool:
    return (origin.uid, origin.revision) == (resource.uid, resource.revision)


def _not_applied(reason: str, message: str) -> Condition:
    return Condition(type="Applied", status="False", reason=reason, message=message)


def _ready(situation: Situation, applied: Condition) -> Condition:
    rescaled, winner = situation.rescaled, situation.winner
    if not applied.is_true:
        reason, message = applied.reason, applied.message
    elif winner is not None:
        reason = "Conflict"
        message = (
            f"DetectorConfig {winner.name} is older and as specific: it judges what both select. "
            "Select less, or more specifically"
        )
    elif rescaled.status == "False" and rescaled.reason != "NotOwner":
        reason, message = rescaled.reason, rescaled.message
    else:
        return Condition(type="Ready", status="True", reason="Ready", message=applied.message)
    return Condition(type="Ready", status="False", reason=reason, message=message)


def _with_times(
    conditions: Iterable[Condition], resource: Resource, now_ms: int
) -> list[dict[str, Any]]:
    before = {each["type"]: each for each in _conditions(resource.status)}
    return [
        {
            "type": each.type,
            "status": each.status,
            "reason": each.reason,
            "message": each.message,
            "observedGeneration": resource.revision,
            "lastTransitionTime": (
                before[each.type]["lastTransitionTime"]
                if each.type in before and before[each.type]["status"] == each.status
                else to_time(now_ms)
            ),
        }
        for each in conditions
    ]


def _conditions(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return status.get("conditions") or []
