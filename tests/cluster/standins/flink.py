"""Stands in for the Flink operator: real JobManagers and TaskManagers of FlinkDeployments."""

import copy
import time
from typing import Final
from uuid import uuid4

from tests.cluster.standins import flink_status
from tests.cluster.standins.flink_jobs import stop_with_savepoint
from tests.cluster.standins.flink_manifests import flink_manifests, taskmanager_name
from tests.cluster.standins.flink_parts import FlinkParts
from tests.cluster.standins.flink_spec import (
    Change,
    change,
    configuration_of,
    from_json,
    taskmanagers,
    to_json,
    why_refused,
)
from tests.cluster.standins.kubernetes import Document, Kubernetes, KubernetesError
from tests.cluster.standins.loop import StandIn

FINALIZER: Final = "flinkdeployments.flink.apache.org/finalizer"


class FlinkOperator(StandIn):
    """FlinkDeployments of all namespaces."""

    name = "flink-standin"

    def __init__(self, kubernetes: Kubernetes) -> None:
        super().__init__(kubernetes)
        self._parts = FlinkParts(kubernetes)

    def look(self) -> None:
        for deployment in self.kubernetes.find("FlinkDeployment"):
            with self.guarded(deployment):
                if "deletionTimestamp" in deployment["metadata"]:
                    self._remove(deployment)
                else:
                    self.kubernetes.set_finalizer(deployment, FINALIZER, present=True)
                    self._reconcile(deployment)

    def _remove(self, deployment: Document) -> None:
        if FINALIZER in (deployment["metadata"].get("finalizers") or ()) and self._parts.is_gone(
            deployment, with_state=True
        ):
            self.kubernetes.set_finalizer(deployment, FINALIZER, present=False)
            self._tell(deployment, "removed")

    def _reconcile(self, deployment: Document) -> None:
        status = copy.deepcopy(deployment.get("status") or {})
        reconciliation = status.setdefault("reconciliationStatus", {})
        status.setdefault("jobStatus", {"state": "RECONCILING"})
        last = reconciliation.get("lastReconciledSpec")
        deployed = from_json(last) if last else None
        wanted = deployment["spec"]
        refused = why_refused(wanted)
        status.pop("error", None)
        if refused:
            status["error"] = flink_status.refusal(refused)
        if refused and deployed is not None:
            # What was asked for before goes on.
            state = "running" if reconciliation["state"] == "UPGRADING" else None
            job = {**deployed["job"], **({"state": state} if state else {})}
            wanted = {**deployed, "job": job}
        if not refused or deployed is not None:
            try:
                self._step(deployment, status, deployed, wanted)
            except (KubernetesError, OSError) as error:
                self.complain(error, "cannot go on: ")
                status["error"] = flink_status.failure(str(error))
            else:
                self._parts.observe(deployment, status)
        self._write(deployment, status)

    def _step(
        self, deployment: Document, status: Document, deployed: Document | None, wanted: Document
    ) -> None:
        """Do what brings the job nearer to the spec."""
        reconciliation = status["reconciliationStatus"]
        if deployed is None:
            self._deploy(deployment, status, wanted, wanted["job"].get("initialSavepointPath"))
            return
        if reconciliation["state"] == "UPGRADING":
            self._go_on_with_upgrade(deployment, status, deployed, wanted)
            return
        what = change(deployed, wanted)
        if what is Change.UPGRADE:
            self._begin_upgrade(deployment, status, deployed, wanted)
        elif what is Change.SCALE:
            self._scale(deployment, status, wanted)
        elif wanted["job"].get("state") != "suspended" and self._parts.has_no_jobmanager(
            deployment
        ):
            self._tell(deployment, "its JobManager's Deployment is gone, and made again")
            self._deploy(deployment, status, wanted, self._parts.last_state(deployment))

    def _deploy(
        self, deployment: Document, status: Document, spec: Document, savepoint: str | None
    ) -> None:
        job = status["jobStatus"]
        if not self._parts.forget_plans(deployment) or "jobId" not in job:
            job["jobId"] = uuid4().hex
        manifests = flink_manifests(
            deployment, spec, job_id=job["jobId"], attempt=str(uuid4()), savepoint=savepoint
        )
        for manifest in manifests:
            self.kubernetes.apply(manifest)
        generation = deployment["metadata"]["generation"]
        status["jobStatus"] = {**job, "state": "RECONCILING"}
        if savepoint is not None:
            status["jobStatus"]["upgradeSavepointPath"] = savepoint
        self._reconciled(status, to_json(spec, generation, state="running"), "DEPLOYED")
        self._tell(deployment, f"deployed {'from ' + savepoint if savepoint else 'without state'}")

    def _scale(self, deployment: Document, status: Document, spec: Document) -> None:
        metadata, count = deployment["metadata"], taskmanagers(spec)
        self.kubernetes.merge(
            "Deployment",
            metadata["namespace"],
            taskmanager_name(metadata["name"]),
            {"spec": {"replicas": count}},
        )
        last = to_json(spec, metadata["generation"], state="running")
        self._reconciled(status, last, "DEPLOYED")
        self._tell(deployment, f"scaled in place to {count} TaskManagers")

    def _begin_upgrade(
        self, deployment: Document, status: Document, deployed: Document, wanted: Document
    ) -> None:
        mode = wanted["job"].get("upgradeMode") or "stateless"
        job = status["jobStatus"]
        was_suspended = deployed["job"].get("state") == "suspended"
        if mode == "savepoint" and not was_suspended:
            if job["state"] == "RUNNING":
                folder = configuration_of(deployed).get("execution.checkpointing.savepoint-dir")
                where = self._parts.jobmanager_url(deployment)
                job["upgradeSavepointPath"] = stop_with_savepoint(where, job["jobId"], folder)
            else:
                mode = "last-state"
        if was_suspended:
            mode = deployed["job"].get("upgradeMode") or mode
        generation = deployment["metadata"]["generation"]
        last = to_json(deployed, generation, state="suspended", upgrade_mode=mode)
        self._reconciled(status, last, "UPGRADING")
        status["jobStatus"] = {**job, "state": "SUSPENDED"}
        self._tell(deployment, f"upgrade ({mode}) begins")

    def _go_on_with_upgrade(
        self, deployment: Document, status: Document, deployed: Document, wanted: Document
    ) -> None:
        mode = deployed["job"]["upgradeMode"]
        if not self._parts.is_gone(deployment, with_state=mode != "last-state"):
            return
        if wanted["job"].get("state") == "suspended":
            generation = deployment["metadata"]["generation"]
            last = to_json(wanted, generation, state="suspended", upgrade_mode=mode)
            self._reconciled(status, last, "DEPLOYED")
            self._tell(deployment, "suspended")
            return
        savepoint = {
            "last-state": self._parts.last_state(deployment),
            "savepoint": status["jobStatus"].get("upgradeSavepointPath"),
        }.get(mode)
        self._deploy(deployment, status, wanted, savepoint)

    def _reconciled(self, status: Document, last: str, state: str) -> None:
        status["reconciliationStatus"] |= {
            "lastReconciledSpec": last,
            "state": state,
            "reconciliationTimestamp": int(time.time() * 1000),
        }

    def _write(self, deployment: Document, status: Document) -> None:
        before = deployment.get("status") or {}
        status = flink_status.finished(deployment, status)
        for what, old, new in (
            ("", before.get("lifecycleState"), status["lifecycleState"]),
            ("job ", (before.get("jobStatus") or {}).get("state"), status["jobStatus"]["state"]),
            ("error ", before.get("error") or "", status.get("error") or ""),
        ):
            if old != new:
                self._tell(deployment, f"{what}{new or 'gone'}")
        self.kubernetes.write_status(deployment, status)

    def _tell(self, deployment: Document, what: str) -> None:
        metadata = deployment["metadata"]
        self.say(f"FlinkDeployment {metadata['namespace']}/{metadata['name']}: {what}")
