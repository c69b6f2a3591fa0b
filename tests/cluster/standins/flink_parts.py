"""What there is of a FlinkDeployment in Kubernetes: pods, and what Flink keeps in ConfigMaps."""

from typing import Final

from tests.cluster.standins import flink_status
from tests.cluster.standins.flink_jobs import job_at
from tests.cluster.standins.flink_manifests import high_availability_labels, made_for
from tests.cluster.standins.flink_pods import LAST_STATE, labels
from tests.cluster.standins.kubernetes import Document, Kubernetes

_PLANS: Final = ("jobGraph-", "executionPlan-")
_CHECKPOINT: Final = "checkpointID-"


class FlinkParts:
    """Looks for parts of FlinkDeployments, and removes them."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def is_gone(self, deployment: Document, *, with_state: bool) -> bool:
        """Delete what was made, and return whether nothing is left: no pod either.

        `with_state`: also what high availability keeps, once nobody is there to write it again.
        """
        name, namespace = _of(deployment)
        left = [self._kubernetes.delete(kind, namespace, each) for kind, each in made_for(name)]
        for component in ("jobmanager", "taskmanager"):
            left.append(bool(self._kubernetes.find("Pod", namespace, labels(name, component))))
        if any(left):
            return False
        if with_state:
            for kept in self._kept(deployment):
                self._kubernetes.delete("ConfigMap", namespace, kept["metadata"]["name"])
        return True

    def last_state(self, deployment: Document) -> str | None:
        """Return what the job is to begin with: None, where there was no checkpoint yet."""
        keys = [key for kept in self._kept(deployment) for key in kept.get("data") or ()]
        return LAST_STATE if any(key.startswith(_CHECKPOINT) for key in keys) else None

    def forget_plans(self, deployment: Document) -> bool:
        """Remove the job's plan: it would run again as it was, whatever the spec says now.

        Return whether high availability keeps anything of a job of this name.
        """
        kept = self._kept(deployment)
        for config_map in kept:
            plans = [key for key in config_map.get("data") or () if key.startswith(_PLANS)]
            if plans:
                metadata = config_map["metadata"]
                patch = {"data": dict.fromkeys(plans)}
                self._kubernetes.merge("ConfigMap", metadata["namespace"], metadata["name"], patch)
        return bool(kept)

    def has_no_jobmanager(self, deployment: Document) -> bool:
        """Return whether somebody deleted the JobManager's Deployment."""
        name, namespace = _of(deployment)
        return self._kubernetes.get("Deployment", namespace, name) is None

    def jobmanager_url(self, deployment: Document) -> str:
        """Return where the JobManager's REST interface is, empty before its pod has an address."""
        name, namespace = _of(deployment)
        addresses = [
            pod["status"]["podIP"]
            for pod in self._kubernetes.find("Pod", namespace, labels(name, "jobmanager"))
            if pod["status"].get("podIP") and "deletionTimestamp" not in pod["metadata"]
        ]
        return f"http://{addresses[0]}:8081" if addresses else ""

    def observe(self, deployment: Document, status: Document) -> None:
        """Write into a status what there is of JobManager and job."""
        name, namespace = _of(deployment)
        found = self._kubernetes.get("Deployment", namespace, name)
        reconciliation = status["reconciliationStatus"]
        if reconciliation["state"] == "UPGRADING" or status["jobStatus"]["state"] == "SUSPENDED":
            status["jobManagerDeploymentStatus"] = "MISSING"
            return
        pods = self._kubernetes.find("Pod", namespace, labels(name, "jobmanager"))
        answers, job = job_at(self.jobmanager_url(deployment)) if pods else (False, None)
        failure = "" if answers else flink_status.error_of_pods(pods)
        if failure:
            status.setdefault("error", failure)
        status["jobManagerDeploymentStatus"] = flink_status.jobmanager_state(
            found, failure, answers=answers
        )
        before = status["jobStatus"]
        status["jobStatus"] = flink_status.job_status(before, job, "RECONCILING")
        if status["jobStatus"]["state"] == "RUNNING":
            reconciliation["lastStableSpec"] = reconciliation["lastReconciledSpec"]

    def _kept(self, deployment: Document) -> list[Document]:
        name, namespace = _of(deployment)
        return self._kubernetes.find("ConfigMap", namespace, high_availability_labels(name))


def _of(deployment: Document) -> tuple[str, str]:
    return deployment["metadata"]["name"], deployment["metadata"]["namespace"]
