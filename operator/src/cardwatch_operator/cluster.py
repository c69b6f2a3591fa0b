"""The Kubernetes API as far as the operator needs it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from httpx2 import HTTPError
from lightkube import ApiError, Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.core_v1 import ObjectReference
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Event
from lightkube.types import PatchType

from cardwatch_contracts.detector_config import API_VERSION, KIND
from cardwatch_operator.resources import Resource, parse_resource

FIELD_MANAGER: Final = "cardwatch-operator"
_group, _version = API_VERSION.split("/")
DETECTOR_CONFIG: Final = create_namespaced_resource(_group, _version, KIND, "detectorconfigs")
FLINK_DEPLOYMENT: Final = create_namespaced_resource(
    "flink.apache.org", "v1beta1", "FlinkDeployment", "flinkdeployments"
)


class ClusterError(Exception):
    """The Kubernetes API did not answer, or refused; the message says what."""


class Cluster:
    """What the operator reads and writes in one namespace, or in all of them."""

    def __init__(self, client: Client, *, namespace: str | None) -> None:
        """Watch one namespace; None: all."""
        self._client = client
        self._namespace = namespace or "*"

    def detector_configs(self) -> list[Resource]:
        """Return every DetectorConfig that is not being deleted.

        Raises:
            ClusterError: the API does not answer.
        """
        try:
            found = list(self._client.list(DETECTOR_CONFIG, namespace=self._namespace))
        except (ApiError, HTTPError) as error:
            raise ClusterError(f"cannot list DetectorConfigs: {error}") from None
        return [
            parse_resource(manifest)
            for manifest in found
            if "deletionTimestamp" not in manifest["metadata"]
        ]

    def write_status(self, resource: Resource, status: Mapping[str, Any]) -> bool:
        """Replace `status`; return whether that was done: it is not where the resource changed.

        Raises:
            ClusterError: the API does not answer.
        """
        gone = {name: None for name in resource.status if name not in status}
        patch = {
            "metadata": {"resourceVersion": resource.resource_version},
            "status": {**gone, **status},
        }
        try:
            self._client.patch(
                DETECTOR_CONFIG.Status,
                resource.name,
                patch,
                namespace=resource.namespace,
                patch_type=PatchType.MERGE,
                field_manager=FIELD_MANAGER,
            )
        except ApiError as error:
            if error.status.code in (404, 409):
                return False
            raise ClusterError(f"cannot write the status of {resource.name}: {error}") from None
        except HTTPError as error:
            raise ClusterError(f"cannot write the status of {resource.name}: {error}") from None
        return True

    def flink_deployment(self, name: str, namespace: str) -> Mapping[str, Any] | None:
        """Return a FlinkDeployment, None where there is none, or Kubernetes knows no such kind.

        Raises:
            ClusterError: the API does not answer.
        """
        try:
            return self._client.get(FLINK_DEPLOYMENT, name, namespace=namespace)
        except ApiError as error:
            if error.status.code == 404:
                return None
            raise ClusterError(f"cannot read FlinkDeployment {name}: {error}") from None
        except HTTPError as error:
            raise ClusterError(f"cannot read FlinkDeployment {name}: {error}") from None

    def set_parallelism(self, name: str, namespace: str, parallelism: int) -> None:
        """Change `spec.job.parallelism` of a FlinkDeployment, and own that field alone.

        Raises:
            ClusterError: the API does not answer, or refuses.
        """
        document = {
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"job": {"parallelism": parallelism}},
        }
        try:
            self._client.patch(
                FLINK_DEPLOYMENT,
                name,
                document,
                namespace=namespace,
                patch_type=PatchType.APPLY,
                field_manager=FIELD_MANAGER,
                force=True,
            )
        except (ApiError, HTTPError) as error:
            raise ClusterError(f"cannot rescale FlinkDeployment {name}: {error}") from None

    def tell(self, resource: Resource, events: Iterable[tuple[str, str, str]]) -> None:
        """Write Kubernetes Events: type (`Normal` or `Warning`), reason and message of each.

        Raises:
            ClusterError: the API does not answer, or refuses.
        """
        for kind, reason, message in events:
            now = datetime.now(UTC)
            event = Event(
                metadata=ObjectMeta(
                    name=f"{resource.name}.{uuid4().hex[:16]}", namespace=resource.namespace
                ),
                involvedObject=ObjectReference(
                    apiVersion=API_VERSION,
                    kind=KIND,
                    name=resource.name,
                    namespace=resource.namespace,
                    uid=resource.uid,
                    resourceVersion=resource.resource_version,
                ),
                type=kind,
                reason=reason,
                message=message[:1024],
                count=1,
                firstTimestamp=now,
                lastTimestamp=now,
                reportingComponent=FIELD_MANAGER,
            )
            try:
                self._client.create(event, namespace=resource.namespace)
            except (ApiError, HTTPError) as error:
                raise ClusterError(f"cannot write an Event of {resource.name}: {error}") from None
