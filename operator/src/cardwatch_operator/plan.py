"""What to publish. Pure."""

from collections.abc import Iterable, Mapping

from cardwatch_contracts.detector_config import ConfigRecord, DetectorConfig, Origin
from cardwatch_operator.known import NOTHING_KNOWN, KnownConfig
from cardwatch_operator.resources import Resource


def plan_documents(
    configs: Iterable[DetectorConfig],
    known: Mapping[str, KnownConfig],
    *,
    now_ms: int,
    changed_by: str,
) -> tuple[list[ConfigRecord], list[ConfigRecord]]:
    """Return the records to publish, and those in force that say the same already."""
    changed, unchanged = [], []
    for config in configs:
        name = config.metadata.name
        before = known.get(name, NOTHING_KNOWN)
        current = before.in_force
        if current is not None and current.spec == config.spec:
            unchanged.append(current)
            continue
        changed.append(
            ConfigRecord(
                name=name,
                generation=before.generation + 1,
                created_at=now_ms if current is None else current.created_at,
                spec=config.spec,
                changed_by=changed_by,
            )
        )
    return changed, unchanged


def plan_resources(
    resources: Iterable[Resource], known: Mapping[str, KnownConfig], *, namespace: str = ""
) -> list[ConfigRecord]:
    """Return the records to publish so that exactly the resources are in force.

    `resources`, no two of one name, are those of `namespace`, or of all where it is empty, listed
    after `known` was read. Configs of the command line and of other namespaces are left alone. A
    resource that is not valid leaves in force what it said before.
    """
    resources = tuple(resources)
    records = [
        _record(resource, before)
        for resource in resources
        for before in (known.get(resource.name, NOTHING_KNOWN),)
        if resource.spec is not None
        and not _is_published(resource, before.current)
        and not _is_of_others(before.in_force, namespace)
    ]
    there = {(resource.name, resource.uid) for resource in resources}
    replaced = {record.name for record in records}
    withdrawals = [
        withdrawal(current, entry.generation + 1, changed_by="deleted")
        for name, entry in sorted(known.items())
        if name not in replaced
        and (current := entry.in_force)
        and current.origin is not None
        and stands_in(current, namespace)
        and (name, current.origin.uid) not in there
    ]
    return records + withdrawals


def withdrawal(current: ConfigRecord, generation: int, *, changed_by: str) -> ConfigRecord:
    """Return the record that withdraws a config."""
    return ConfigRecord(
        name=current.name,
        generation=generation,
        created_at=current.created_at,
        withdrawn=True,
        origin=current.origin,
        changed_by=changed_by,
    )


def _record(resource: Resource, known: KnownConfig) -> ConfigRecord:
    assert resource.spec is not None, "it is valid"
    return ConfigRecord(
        name=resource.name,
        # That of the resource, as long as no other had its name before.
        generation=max(known.generation + 1, resource.revision),
        created_at=resource.created_at,
        spec=resource.spec,
        origin=Origin(namespace=resource.namespace, uid=resource.uid, revision=resource.revision),
        changed_by=resource.changed_by,
    )


def stands_in(record: ConfigRecord, namespace: str) -> bool:
    """Whether a config is a resource of a namespace, of any where that is empty."""
    return record.origin is not None and namespace in ("", record.origin.namespace)


def _is_of_others(current: ConfigRecord | None, namespace: str) -> bool:
    """Whether the config stands in a namespace that another operator looks after."""
    return current is not None and current.origin is not None and not stands_in(current, namespace)


def _is_published(resource: Resource, current: ConfigRecord | None) -> bool:
    """Whether the topic has this revision of the resource."""
    return (
        current is not None
        and current.origin is not None
        and not current.withdrawn
        and current.origin.uid == resource.uid
        and current.origin.revision >= resource.revision
    )
