"""DetectorConfig resources as the Kubernetes API gives them. Pure."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import (
    API_VERSION,
    KIND,
    DetectorConfigSpec,
    parse_detector_config,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One DetectorConfig resource."""

    name: str
    namespace: str
    uid: str
    revision: int
    """`metadata.generation`: grows with every change of `spec`."""
    created_at: int
    """Milliseconds since 1970-01-01 UTC."""
    spec: DetectorConfigSpec | None
    """None: what is there breaks the contract."""
    error: str = ""
    """Why, where it does."""
    changed_by: str = ""
    """The field manager that last changed `spec`, such as `kubectl-edit`."""
    status: Mapping[str, Any]
    resource_version: str = ""

    @property
    def age(self) -> tuple[int, str]:
        """Sorts the oldest first, the same way each time."""
        return (self.created_at, self.name)


def parse_resource(manifest: Mapping[str, Any]) -> Resource:
    """Read a resource; one that breaks the contract keeps its name and says why."""
    metadata = manifest["metadata"]
    spec, error = None, ""
    try:
        spec = parse_detector_config(
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "metadata": {"name": metadata["name"]},
                "spec": manifest.get("spec") or {},
            }
        ).spec
    except InvalidRecordError as invalid:
        error = str(invalid)
    return Resource(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        revision=metadata["generation"],
        created_at=to_ms(metadata["creationTimestamp"]),
        spec=spec,
        error=error,
        changed_by=_manager_of_spec(metadata.get("managedFields") or ()),
        status=manifest.get("status") or {},
        resource_version=metadata.get("resourceVersion", ""),
    )


def now_ms() -> int:
    """Return the wall clock, milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def to_ms(time: str) -> int:
    """Return a time of Kubernetes, `2026-01-02T03:04:05Z`, as milliseconds since 1970-01-01 UTC."""
    return int(datetime.fromisoformat(time).timestamp() * 1000)


def to_time(ms: int) -> str:
    """Return milliseconds since 1970-01-01 UTC as a time of Kubernetes, in whole seconds."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _manager_of_spec(managed_fields: Any) -> str:
    entries = [entry for entry in managed_fields if "f:spec" in (entry.get("fieldsV1") or {})]
    newest = max(entries, key=lambda entry: entry.get("time") or "", default=None)
    return newest["manager"] if newest else ""
