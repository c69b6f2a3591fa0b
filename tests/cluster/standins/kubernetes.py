"""The Kubernetes API as far as the stand-ins need it: documents in, documents out."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from httpx2 import HTTPError
from lightkube import ApiError, Client, KubeConfig
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.core_v1 import (
    ConfigMap,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    Secret,
    Service,
)
from lightkube.types import CascadeType, PatchType

Document = dict[str, Any]
"""A resource as JSON."""

_STRIMZI: Final = "kafka.strimzi.io"
_KINDS: Final[Mapping[str, Any]] = {
    "Kafka": create_namespaced_resource(_STRIMZI, "v1", "Kafka", "kafkas"),
    "KafkaNodePool": create_namespaced_resource(_STRIMZI, "v1", "KafkaNodePool", "kafkanodepools"),
    "KafkaTopic": create_namespaced_resource(_STRIMZI, "v1", "KafkaTopic", "kafkatopics"),
    "KafkaUser": create_namespaced_resource(_STRIMZI, "v1", "KafkaUser", "kafkausers"),
    "FlinkDeployment": create_namespaced_resource(
        "flink.apache.org", "v1beta1", "FlinkDeployment", "flinkdeployments"
    ),
    "ConfigMap": ConfigMap,
    "Deployment": Deployment,
    "PersistentVolume": PersistentVolume,
    "PersistentVolumeClaim": PersistentVolumeClaim,
    "Pod": Pod,
    "Secret": Secret,
    "Service": Service,
    "StatefulSet": StatefulSet,
}


class KubernetesError(Exception):
    """The API did not answer, or refused; the message says what."""


class _OneAtATime(Client):
    """A client for threads: msgspec, which reads the answers, learns a type's fields at first use.

    Another thread that uses the type meanwhile finds half of them, and the process ends.
    """

    _lock = threading.RLock()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("list", "get", "patch", "delete"):
            return found

        def locked(*arguments: Any, **named: Any) -> Any:
            with _OneAtATime._lock:
                done = found(*arguments, **named)
                return iter(list(done)) if name == "list" else done

        return locked


class Kubernetes:
    """A client that writes as one field manager."""

    def __init__(self, kubeconfig: Path, field_manager: str) -> None:
        config = KubeConfig.from_file(str(kubeconfig)).get()
        self._client = _OneAtATime(config=config, field_manager=field_manager, trust_env=False)
        self._manager = field_manager

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def find(
        self, kind: str, namespace: str = "*", labels: Mapping[str, str] | None = None
    ) -> list[Document]:
        """Return the resources of a kind, none where Kubernetes does not know the kind."""
        try:
            of: dict[str, Any] = {} if kind == "PersistentVolume" else {"namespace": namespace}
            found = list(self._client.list(_KINDS[kind], labels=dict(labels or {}), **of))
        except ApiError as error:
            if error.status.code == 404:
                return []
            raise KubernetesError(f"cannot list {kind}s: {error}") from None
        except HTTPError as error:
            raise KubernetesError(f"cannot list {kind}s: {error!r}") from None
        about = _KINDS[kind]._api_info.resource
        api_version = f"{about.group}/{about.version}".lstrip("/")
        return [{"kind": kind, "apiVersion": api_version, **each.to_dict()} for each in found]

    def get(self, kind: str, namespace: str, name: str) -> Document | None:
        """Return a resource, None where there is none."""
        try:
            return dict(self._client.get(_KINDS[kind], name, namespace=namespace).to_dict())
        except ApiError as error:
            if error.status.code == 404:
                return None
            raise KubernetesError(f"cannot read {kind} {name}: {error}") from None
        except HTTPError as error:
            raise KubernetesError(f"cannot read {kind} {name}: {error!r}") from None

    def apply(self, document: Document) -> Document:
        """Make a resource as the document says: server-side, whoever else owns fields of it."""
        kind, metadata = document["kind"], document["metadata"]
        return self._patch(
            _KINDS[kind],
            metadata["name"],
            document,
            namespace=metadata.get("namespace"),
            patch_type=PatchType.APPLY,
        )

    def merge(self, kind: str, namespace: str, name: str, patch: Document) -> Document:
        """Change what a JSON merge patch names."""
        return self._patch(
            _KINDS[kind], name, patch, namespace=namespace, patch_type=PatchType.MERGE
        )

    def write_status(self, resource: Document, status: Document) -> None:
        """Make `status` of a resource so; fields it does not name go."""
        before = resource.get("status") or {}
        if status == before:
            return
        metadata = resource["metadata"]
        self._patch(
            _KINDS[resource["kind"]].Status,
            metadata["name"],
            {"status": _merge_patch(before, status)},
            namespace=metadata["namespace"],
            patch_type=PatchType.MERGE,
        )
        resource["status"] = status

    def set_finalizer(self, resource: Document, finalizer: str, *, present: bool) -> None:
        """Add a finalizer to a resource, or take it away."""
        metadata = resource["metadata"]
        there = metadata.get("finalizers") or []
        if (finalizer in there) == present:
            return
        wanted = [*there, finalizer] if present else [f for f in there if f != finalizer]
        patch = {"metadata": {"finalizers": wanted, "resourceVersion": metadata["resourceVersion"]}}
        self.merge(resource["kind"], metadata["namespace"], metadata["name"], patch)
        metadata["finalizers"] = wanted

    def delete(self, kind: str, namespace: str | None, name: str) -> bool:
        """Delete a resource and what it owns; return whether there was one."""
        of: dict[str, Any] = {} if namespace is None else {"namespace": namespace}
        try:
            self._client.delete(_KINDS[kind], name, cascade=CascadeType.BACKGROUND, **of)
        except ApiError as error:
            if error.status.code == 404:
                return False
            raise KubernetesError(f"cannot delete {kind} {name}: {error}") from None
        except HTTPError as error:
            raise KubernetesError(f"cannot delete {kind} {name}: {error!r}") from None
        return True

    def _patch(
        self, kind: Any, name: str, patch: Document, *, namespace: str | None, patch_type: PatchType
    ) -> Document:
        of: dict[str, Any] = {} if namespace is None else {"namespace": namespace}
        if patch_type is PatchType.APPLY:
            of["force"] = True
        try:
            done = self._client.patch(
                kind, name, patch, patch_type=patch_type, field_manager=self._manager, **of
            )
        except (ApiError, HTTPError) as error:
            what = patch.get("kind") or kind.__name__
            raise KubernetesError(f"cannot write {what} {name}: {error!r}") from None
        return dict(done.to_dict())


def _merge_patch(before: Document, after: Document) -> Document:
    """Return the JSON merge patch that makes `after` of `before`."""
    patch: Document = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        patch[name] = (
            _merge_patch(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return patch
