"""A FlinkDeployment's spec: what is wrong with it, and what a change of it asks for. Pure."""

import json
import math
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final

from tests.cluster.standins.kubernetes import Document

DEFAULTS: Final = {
    "blob.server.port": "6124",
    "jobmanager.rpc.port": "6123",
    "taskmanager.rpc.port": "6122",
    "taskmanager.numberOfTaskSlots": "1",
    "jobmanager.memory.process.size": "1600m",
    "taskmanager.memory.process.size": "1728m",
}
"""What the operator's own configuration holds for every deployment."""
_FORBIDDEN: Final = (
    "kubernetes.namespace",
    "kubernetes.cluster-id",
    "high-availability.cluster-id",
)
_NOT_LOOKED_AT: Final = (
    "upgradeMode",
    "initialSavepointPath",
    "allowNonRestoredState",
    "savepointTriggerNonce",
    "checkpointTriggerNonce",
    "autoscalerResetNonce",
)
"""Fields of `spec.job` whose change alone does nothing to the job."""
_FLINK_UNITS: Final = {"": 0, "b": 0, "k": 1, "kb": 1, "m": 2, "mb": 2, "g": 3, "gb": 3, "t": 4}
_QUANTITY_UNITS: Final = {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}


class Change(Enum):
    """What there is to do for a new spec."""

    NONE = "none"
    SCALE = "scale"
    UPGRADE = "upgrade"


def configuration_of(spec: Document) -> dict[str, str]:
    """Return `spec.flinkConfiguration` as flat text, over the operator's defaults."""
    return DEFAULTS | _flat(spec.get("flinkConfiguration") or {})


def slots(spec: Document) -> int:
    """Return the subtasks that a TaskManager takes."""
    return int(configuration_of(spec)["taskmanager.numberOfTaskSlots"])


def parallelism(spec: Document) -> int:
    """Return how many subtasks are asked for: `taskManager.replicas` goes before the job's."""
    replicas = (spec.get("taskManager") or {}).get("replicas")
    if replicas is not None:
        return int(replicas) * slots(spec)
    return int(spec["job"].get("parallelism") or 0)


def taskmanagers(spec: Document) -> int:
    """Return how many TaskManagers that takes."""
    return math.ceil(parallelism(spec) / slots(spec))


def has_high_availability(spec: Document) -> bool:
    """Whether the job's state outlives its JobManager."""
    return configuration_of(spec).get("high-availability.type", "NONE").upper() != "NONE"


def why_refused(spec: Document) -> str:
    """Return what the operator would refuse a spec for, empty where it would not."""
    return next(_refusals(spec), "")


def _refusals(spec: Document) -> Iterator[str]:
    job = spec.get("job")
    if spec.get("mode", "native") != "standalone" or not job:
        yield "the test cluster runs FlinkDeployments with mode standalone and a job only"
        return
    if not spec.get("flinkVersion"):
        yield "Flink Version must be defined."
    if not spec.get("image"):
        yield "Image must be defined"
    configuration = configuration_of(spec)
    yield from (f"Forbidden Flink config key: {key}" for key in _FORBIDDEN if key in configuration)
    if parallelism(spec) < 1:
        yield "Job parallelism must be larger than 0"
    if not has_high_availability(spec):
        if job.get("upgradeMode") == "last-state":
            yield "Job could not be upgraded with last-state while HA disabled"
        if (spec.get("jobManager") or {}).get("replicas", 1) > 1:
            yield "High availability should be enabled when starting standby JobManagers."
    if job.get("upgradeMode") in ("last-state", "savepoint"):
        if "execution.checkpointing.dir" not in configuration:
            yield "Checkpoint directory[execution.checkpointing.dir] must be defined"
    for name in ("jobManager", "taskManager"):
        memory = ((spec.get(name) or {}).get("resource") or {}).get("memory")
        if memory is not None and memory_mib(memory) is None:
            yield f"{name} resource memory parse error: {memory}"


def change(before: Document, now: Document) -> Change:
    """Compare the spec that runs with the one that is asked for."""
    if _compared(before) != _compared(now):
        return Change.UPGRADE
    if (parallelism(before), taskmanagers(before)) == (parallelism(now), taskmanagers(now)):
        return Change.NONE
    is_reactive = configuration_of(now).get("scheduler-mode", "").upper() == "REACTIVE"
    return Change.SCALE if is_reactive else Change.UPGRADE


def memory_mib(text: str) -> int | None:
    """Return MiB of a size as Flink writes it (`2g` is 1024-based) or Kubernetes (`2Gi`)."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(text).lower())
    if found is None:
        return None
    number, unit = float(found[1]), found[2]
    if unit in _QUANTITY_UNITS:
        size = number * _QUANTITY_UNITS[unit]
    elif unit in _FLINK_UNITS:
        size = number * 1024 ** _FLINK_UNITS[unit]
    else:
        return None
    return int(size // 1024**2)


def to_json(spec: Document, generation: int, *, state: str, upgrade_mode: str = "") -> str:
    """Return a spec as `status.reconciliationStatus.lastReconciledSpec` holds it."""
    job = {**spec["job"], "state": state}
    if upgrade_mode:
        job["upgradeMode"] = upgrade_mode
    meta = {
        "apiVersion": "flink.apache.org/v1beta1",
        "metadata": {"generation": generation},
        "firstDeployment": False,
    }
    return json.dumps({"spec": {**spec, "job": job}, "resource_metadata": meta})


def from_json(text: str) -> Document:
    """Return the spec of a `lastReconciledSpec`."""
    return dict(json.loads(text)["spec"])


def _compared(spec: Document) -> Document:
    """Return what of a spec is an upgrade when it changes."""
    job = {
        key: value
        for key, value in spec["job"].items()
        if key not in (*_NOT_LOOKED_AT, "parallelism", "state")
    }
    workers = {k: v for k, v in (spec.get("taskManager") or {}).items() if k != "replicas"}
    configuration = {
        key: value
        for key, value in _flat(spec.get("flinkConfiguration") or {}).items()
        if not key.startswith("kubernetes.operator.") and key != "parallelism.default"
    }
    return {
        **spec,
        "job": job,
        "suspended": spec["job"].get("state") == "suspended",
        "taskManager": workers,
        "flinkConfiguration": configuration,
    }


def _flat(configuration: Document, prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in configuration.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = _text(value)
    return flat


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
