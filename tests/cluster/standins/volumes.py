"""Stands in for a cluster's storage: a folder of this machine for each PersistentVolumeClaim."""

import shutil
from pathlib import Path
from typing import Final

from tests.cluster.standins.kubernetes import Document, Kubernetes
from tests.cluster.standins.loop import StandIn

_LABEL: Final = "cardwatch.dev/standin-volume"


class Volumes(StandIn):
    """Claims of all namespaces. The volume goes with its claim."""

    name = "volumes-standin"

    def __init__(self, kubernetes: Kubernetes, folder: Path) -> None:
        """Make the volumes' folders in `folder`."""
        super().__init__(kubernetes)
        self._folder = folder

    def look(self) -> None:
        claims = self.kubernetes.find("PersistentVolumeClaim")
        for claim in claims:
            if (claim.get("status") or {}).get("phase", "Pending") != "Pending":
                continue
            if "deletionTimestamp" in claim["metadata"] or claim["spec"].get("volumeName"):
                continue
            with self.guarded(claim):
                self._make(claim)
        claimed = {volume_name(claim) for claim in claims}
        for volume in self.kubernetes.find("PersistentVolume"):
            labels = volume["metadata"].get("labels") or {}
            name = volume["metadata"]["name"]
            if _LABEL in labels and name not in claimed:
                self.kubernetes.delete("PersistentVolume", None, name)
                shutil.rmtree(self._folder / name, ignore_errors=True)
                self.say(f"volume {name} removed")

    def _make(self, claim: Document) -> None:
        volume = volume_manifest(claim, self._folder)
        path = Path(volume["spec"]["hostPath"]["path"])
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o777)  # whichever user a pod has: fsGroup does not reach folders of a node
            self.say(f"volume for {claim['metadata']['namespace']}/{claim['metadata']['name']}")
        self.kubernetes.apply(volume)


def volume_name(claim: Document) -> str:
    """Return the name of the volume of a claim."""
    return f"standin-{claim['metadata']['uid']}"


def volume_manifest(claim: Document, folder: Path) -> Document:
    """Return the PersistentVolume that this claim alone gets."""
    metadata, spec = claim["metadata"], claim["spec"]
    name = volume_name(claim)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": {_LABEL: "true"}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "hostPath": {"path": str(folder / name), "type": "Directory"},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": spec.get("storageClassName") or "",
            "volumeMode": spec.get("volumeMode") or "Filesystem",
        },
    }
