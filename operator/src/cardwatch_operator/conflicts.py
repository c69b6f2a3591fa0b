"""Which DetectorConfigs claim the same transactions, and which of them wins. Pure."""

from collections.abc import Iterable, Sequence

from cardwatch_contracts.detector_config import Selector
from cardwatch_operator.resources import Resource


def winner_over(resource: Resource, others: Iterable[Resource]) -> Resource | None:
    """Return the oldest of those that judge transactions which `resource` claims as much as they.

    A more specific one is no conflict: that is how exceptions are written.
    """
    if resource.spec is None:
        return None
    mine = resource.spec.selector
    return min(
        (
            other
            for other in others
            if other.spec is not None
            and other.age < resource.age
            and other.spec.selector.specificity == mine.specificity
            and _overlap(other.spec.selector, mine)
        ),
        key=lambda other: other.age,
        default=None,
    )


def namesake_of(resource: Resource, others: Iterable[Resource]) -> Resource | None:
    """Return the older DetectorConfig of another namespace that has the name, if there is one.

    Alerts say by name which config judged, so a name means one thing.
    """
    return min(
        (
            other
            for other in others
            if other.name == resource.name and _seniority(other) < _seniority(resource)
        ),
        key=_seniority,
        default=None,
    )


def owner_of_parallelism(job: str, resources: Iterable[Resource]) -> Resource | None:
    """Return the DetectorConfig whose `parallelism` the job has: the oldest that is for it."""
    candidates = [each for each in resources if each.spec is not None and each.spec.job_ref == job]
    return min(candidates, key=lambda each: each.age, default=None)


def _seniority(resource: Resource) -> tuple[int, str]:
    return (resource.created_at, resource.namespace)


def _overlap(one: Selector, other: Selector) -> bool:
    return all(
        _share(getattr(one, name), getattr(other, name)) for name in Selector.__struct_fields__
    )


def _share(one: Sequence[str], other: Sequence[str]) -> bool:
    return not one or not other or not set(one).isdisjoint(other)
