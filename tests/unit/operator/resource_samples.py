"""Resources for the tests of the operator."""

from collections.abc import Mapping
from typing import Any

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import (
    ConfigAck,
    ConfigRecord,
    DetectorConfigSpec,
    Origin,
)
from cardwatch_operator.known import KnownConfig
from cardwatch_operator.resources import Resource

DEFAULTS = DetectorConfigSpec()


def a_resource(
    name: str = "strict",
    *,
    spec: DetectorConfigSpec | None = DEFAULTS,
    uid: str = "",
    revision: int = 1,
    created_at: int = 1_000,
    namespace: str = "fraud",
    error: str = "",
    changed_by: str = "kubectl",
    status: Mapping[str, Any] | None = None,
) -> Resource:
    return Resource(
        name=name,
        namespace=namespace,
        uid=uid or f"uid-of-{name}",
        revision=revision,
        created_at=created_at,
        spec=spec,
        error=error,
        changed_by=changed_by,
        status=status or {},
    )


def a_record(
    name: str = "strict",
    generation: int = 1,
    *,
    spec: DetectorConfigSpec = DEFAULTS,
    created_at: int = 1_000,
    withdrawn: bool = False,
    origin: Origin | None = None,
) -> ConfigRecord:
    return ConfigRecord(
        name=name,
        generation=generation,
        created_at=created_at,
        spec=spec,
        withdrawn=withdrawn,
        origin=origin,
    )


def record_of(resource: Resource, generation: int | None = None) -> ConfigRecord:
    """Return the record that publishes a resource."""
    assert resource.spec is not None
    return ConfigRecord(
        name=resource.name,
        generation=resource.revision if generation is None else generation,
        created_at=resource.created_at,
        spec=resource.spec,
        origin=Origin(namespace=resource.namespace, uid=resource.uid, revision=resource.revision),
        changed_by=resource.changed_by,
    )


def known(record: ConfigRecord, published_at: int = 0) -> KnownConfig:
    return KnownConfig(current=record, generation=record.generation, published_at=published_at)


def an_ack(subtask: int = 0, **fields: Any) -> ConfigAck:
    given: dict[str, Any] = {
        "name": "strict",
        "generation": 1,
        "parallelism": 2,
        "applied_at": 5_000,
        "run": "run-1",
        "started_at": 100,
    }
    return ConfigAck(subtask=subtask, **(given | fields))


def acks_of(*acks: ConfigAck) -> Acknowledgements:
    collected = Acknowledgements()
    for ack in acks:
        collected.add(ack)
    return collected
