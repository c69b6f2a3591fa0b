"""Which DetectorConfigs claim the same name, transactions or job, and which of them wins. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cardwatch_contracts.detector_config import Selector
from cardwatch_operator.resources import Resource


@dataclass(frozen=True, slots=True)
class Claims:
    """Who comes before whom. Resources are told apart by their uid."""

    namesakes: Mapping[str, Resource]
    """The oldest of the name, for each that came after it, in whatever namespace.

    Alerts say by name which config judged, so a name means one thing.
    """
    winners: Mapping[str, Resource]
    """For each that claims transactions which an older one claims as much: the oldest such.

    A more specific one is no conflict: that is how exceptions are written.
    """
    owners: Mapping[tuple[str, str], Resource]
    """Whose `parallelism` a job has, by namespace and name of the job: the oldest for it."""

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> "Claims":
        """Compare all resources with each other."""
        by_age = sorted(resources, key=lambda each: each.age)
        valid = [each for each in by_age if each.spec is not None]
        return cls(_namesakes(by_age), _winners(valid), _owners(valid))


def _namesakes(resources: Iterable[Resource]) -> dict[str, Resource]:
    first: dict[str, Resource] = {}
    namesakes = {}
    for each in sorted(resources, key=_seniority):
        oldest = first.setdefault(each.name, each)
        if oldest is not each:
            namesakes[each.uid] = oldest
    return namesakes


def _seniority(resource: Resource) -> tuple[int, str]:
    return (resource.created_at, resource.namespace)


def _winners(by_age: Iterable[Resource]) -> dict[str, Resource]:
    older: defaultdict[int, list[tuple[Selector, Resource]]] = defaultdict(list)
    winners = {}
    for each in by_age:
        assert each.spec is not None, "all are valid"
        selector = each.spec.selector
        rivals = older[selector.specificity]
        for theirs, rival in rivals:
            if _overlap(theirs, selector):
                winners[each.uid] = rival
                break
        rivals.append((selector, each))
    return winners


def _owners(by_age: Iterable[Resource]) -> dict[tuple[str, str], Resource]:
    owners: dict[tuple[str, str], Resource] = {}
    for each in by_age:
        assert each.spec is not None, "all are valid"
        owners.setdefault((each.namespace, each.spec.job_ref), each)
    return owners


def _overlap(one: Selector, other: Selector) -> bool:
    return all(
        _share(getattr(one, name), getattr(other, name)) for name in Selector.__struct_fields__
    )


def _share(one: Sequence[str], other: Sequence[str]) -> bool:
    return not one or not other or not set(one).isdisjoint(other)
