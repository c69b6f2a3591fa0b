"""How many subtasks the job is to have, and whether it has them. Pure."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cardwatch_operator.resources import Resource
from cardwatch_operator.status import Condition, Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is known of a job: its FlinkDeployment, and what Flink itself says."""

    name: str
    wanted: int | None
    """`spec.job.parallelism`; None: there is no such FlinkDeployment."""
    error: str = ""
    """Why the Flink operator refused the FlinkDeployment, where it did."""
    running: int | None = None
    """How many subtasks run; None: not all run, or Flink does not answer."""


def job_of(name: str, manifest: Mapping[str, Any] | None, running: int | None) -> Job:
    """Read a FlinkDeployment, None where there is none, beside what Flink says."""
    if manifest is None:
        return Job(name=name, wanted=None, running=running)
    status = manifest.get("status") or {}
    return Job(
        name=name,
        wanted=((manifest.get("spec") or {}).get("job") or {}).get("parallelism") or 1,
        error=_innermost(status.get("error") or ""),
        running=running,
    )


def needs_rescale(resource: Resource, owner: Resource | None, job: Job) -> bool:
    """Whether the FlinkDeployment is to be changed for a resource."""
    return (
        owner is not None
        and owner.uid == resource.uid
        and resource.spec is not None
        and job.wanted is not None
        and job.wanted != resource.spec.parallelism
    )


def was_asked_for(resource: Resource) -> bool:
    """Whether the FlinkDeployment had this revision's parallelism already, by the status.

    If it has another one now, somebody else changed it.
    """
    return any(
        each["type"] == "Rescaled"
        and each.get("observedGeneration") == resource.revision
        and each["reason"] in ("Rescaled", "Rescaling", "Refused")
        for each in resource.status.get("conditions") or ()
    )


def rescaled(resource: Resource, owner: Resource | None, job: Job) -> Condition:
    """Return the condition `Rescaled`."""
    if resource.spec is None:
        return _condition("Unknown", "InvalidSpec", "the spec says nothing that could be done")
    wanted = resource.spec.parallelism
    if owner is not None and owner.uid != resource.uid:
        message = f"DetectorConfig {owner.name} is older: its parallelism is the job's"
        return _condition("False", "NotOwner", message)
    if job.wanted is None:
        message = f"there is no FlinkDeployment {job.name} in namespace {resource.namespace}"
        return _condition("Unknown", "NoFlinkDeployment", message)
    if job.running == wanted:
        return _condition("True", "Rescaled", f"the job runs with {_subtasks(wanted)}")
    if job.error:
        message = f"Flink refuses FlinkDeployment {job.name}: {job.error}"
        return _condition("False", "Refused", message)
    if job.running is None:
        message = f"waiting for the job to run with {_subtasks(wanted)}; not all of it runs now"
    else:
        message = f"the job runs with {job.running}, to become {_subtasks(wanted)}"
    return _condition("False", "Rescaling", message)


def _condition(status: Truth, reason: str, message: str) -> Condition:
    return Condition(type="Rescaled", status=status, reason=reason, message=message)


def _subtasks(count: int) -> str:
    return "1 subtask" if count == 1 else f"{count} subtasks"


def _innermost(error: str) -> str:
    """Return what the Flink operator's error, a JSON of causes, begins with."""
    with suppress(ValueError):
        parsed = json.loads(error)
        if isinstance(parsed, dict) and parsed.get("message"):
            return str(parsed["message"])
    return error
