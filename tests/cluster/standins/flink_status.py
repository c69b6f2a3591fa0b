"""What a FlinkDeployment's status says. Pure."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from tests.cluster.standins.flink_spec import taskmanagers
from tests.cluster.standins.kubernetes import Document

_VALIDATION: Final = "org.apache.flink.kubernetes.operator.exception.ValidationException"
_FAILED_DEPLOYMENT: Final = (
    "org.apache.flink.kubernetes.operator.exception.DeploymentFailedException"
)
_HOPELESS: Final = (
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
)


def refusal(message: str) -> str:
    """Return `status.error` of a spec that is refused: a JSON of an exception."""
    return _error(_VALIDATION, message)


def failure(message: str) -> str:
    """Return `status.error` of what could not be done; it is tried again."""
    return _error(_FAILED_DEPLOYMENT, message)


def error_of_pods(pods: Sequence[Document]) -> str:
    """Return `status.error` of a JobManager that cannot start, empty where it may yet."""
    for pod in pods:
        for container in (pod.get("status") or {}).get("containerStatuses") or ():
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in _HOPELESS:
                what = f"[{container['name']}] {waiting.get('message', '')}"
                return failure(f"{waiting['reason']}: {what}")
    return ""


def jobmanager_state(deployment: Document | None, error: str, *, answers: bool) -> str:
    """Return `jobManagerDeploymentStatus`."""
    if deployment is None:
        return "MISSING"
    if error:
        return "ERROR"
    if answers:
        return "READY"
    available = (deployment.get("status") or {}).get("availableReplicas") or 0
    return "DEPLOYED_NOT_READY" if available else "DEPLOYING"


def job_status(before: Document, job: Document | None, fallback: str) -> Document:
    """Return `jobStatus` of what REST's overview says of a job; None: it does not answer."""
    if job is None:
        return {**before, "state": fallback}
    return {
        **before,
        "jobId": job["jid"],
        "jobName": job["name"],
        "state": job["state"],
        "startTime": str(job["start-time"]),
        "updateTime": str(job["last-modification"]),
    }


def finished(deployment: Document, status: Document) -> Document:
    """Return a status with all that follows from its other fields."""
    metadata = deployment["metadata"]
    status = {**status, "observedGeneration": metadata["generation"]}
    status["lifecycleState"] = lifecycle(status)
    reconciliation = status.get("reconciliationStatus") or {}
    last = reconciliation.get("lastReconciledSpec")
    if last:
        spec = json.loads(last)["spec"]
        status["taskManager"] = {
            "replicas": taskmanagers(spec),
            "labelSelector": f"component=taskmanager,app={metadata['name']}",
        }
        state = status["jobStatus"]["state"]
        status["conditions"] = [_running(status, state, metadata["generation"])]
    return status


def lifecycle(status: Document) -> str:
    """Return `lifecycleState`."""
    reconciliation = status.get("reconciliationStatus") or {}
    last = reconciliation.get("lastReconciledSpec")
    if not last:
        return "FAILED" if status.get("error") else "CREATED"
    if reconciliation["state"] == "UPGRADING":
        return "UPGRADING"
    if json.loads(last)["spec"]["job"].get("state") == "suspended":
        return "SUSPENDED"
    is_lost = status.get("jobManagerDeploymentStatus") in ("ERROR", "MISSING")
    if status["jobStatus"]["state"] == "FAILED" or (status.get("error") and is_lost):
        return "FAILED"
    return "STABLE" if reconciliation.get("lastStableSpec") == last else "DEPLOYED"


def _running(status: Document, state: str, generation: int) -> Document:
    is_running = "True" if state == "RUNNING" else "False"
    old = (status.get("conditions") or [{}])[0]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": "Running",
        "status": is_running,
        "reason": state.capitalize(),
        "message": f"Job state {state}",
        "observedGeneration": generation,
        "lastTransitionTime": (
            old["lastTransitionTime"] if old.get("status") == is_running else now
        ),
    }


def _error(kind: str, message: str) -> str:
    body = {"type": kind, "message": message, "additionalMetadata": {}, "throwableList": []}
    return json.dumps(body)
