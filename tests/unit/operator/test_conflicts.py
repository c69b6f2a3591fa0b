import pytest
from tests.unit.operator.resource_samples import a_resource

from cardwatch_contracts.detector_config import DetectorConfigSpec, Selector
from cardwatch_operator.conflicts import Claims
from cardwatch_operator.resources import Resource


def selecting(name: str, created_at: int, **lists: tuple[str, ...]) -> Resource:
    spec = DetectorConfigSpec(selector=Selector(**lists))
    return a_resource(name, created_at=created_at, spec=spec)


OLDER = selecting("older", 1_000, bank_ids=("A", "B"))


@pytest.mark.parametrize(
    ("lists", "conflicts"),
    [
        ({"bank_ids": ("B", "C")}, True),
        ({"bank_ids": ("C",)}, False),
        ({"currencies": ("EUR",)}, True),  # bank A in euros is selected by both
        ({"bank_ids": ("A",), "currencies": ("EUR",)}, False),  # more specific: an exception
        ({}, False),  # less specific: the rest
    ],
)
def test_an_older_one_as_specific_wins_where_both_select(
    lists: dict[str, tuple[str, ...]], conflicts: bool
) -> None:
    younger = selecting("younger", 2_000, **lists)
    assert Claims.of([OLDER, younger]).winners.get(younger.uid) == (OLDER if conflicts else None)


def test_the_older_one_has_no_conflict() -> None:
    younger = selecting("younger", 2_000, bank_ids=("A",))
    assert Claims.of([OLDER, younger]).winners.get(OLDER.uid) is None


def test_of_several_the_oldest_is_named() -> None:
    third = selecting("third", 3_000, bank_ids=("A",))
    second = selecting("second", 2_000, bank_ids=("A",))
    assert Claims.of([third, second, OLDER]).winners.get(third.uid) == OLDER


def test_of_the_same_age_the_first_by_name_wins_as_in_the_job() -> None:
    a, b = selecting("a", 1_000), selecting("b", 1_000)
    assert Claims.of([b, a]).winners.get(b.uid) == a
    assert Claims.of([b, a]).winners.get(a.uid) is None


def test_what_is_invalid_neither_wins_nor_conflicts() -> None:
    invalid = a_resource("invalid", spec=None, created_at=0)
    everything = selecting("everything", 1_000)
    assert Claims.of([invalid, everything]).winners.get(everything.uid) is None
    assert Claims.of([everything]).winners.get(invalid.uid) is None


def test_the_oldest_valid_one_for_a_job_owns_its_parallelism() -> None:
    invalid = a_resource("invalid", spec=None, created_at=0)
    other = a_resource("other", spec=DetectorConfigSpec(job_ref="trial"), created_at=1)
    younger = selecting("younger", 2_000)
    elsewhere = a_resource("elsewhere", namespace="risk", created_at=0)
    owners = Claims.of([younger, invalid, other, OLDER, elsewhere]).owners
    assert owners.get(("fraud", "cardwatch")) == OLDER
    assert owners.get(("fraud", "trial")) == other
    assert owners.get(("fraud", "nothing")) is None
    assert owners["risk", "cardwatch"] == elsewhere


def test_the_oldest_of_a_name_in_all_namespaces_has_it() -> None:
    first = a_resource(namespace="risk", uid="1", created_at=1_000)
    second = a_resource(namespace="fraud", uid="2", created_at=2_000)
    third = a_resource(namespace="trial", uid="3", created_at=3_000)
    resources = [third, second, first, a_resource("other", created_at=0)]
    assert Claims.of(resources).namesakes.get(third.uid) == first
    assert Claims.of(resources).namesakes.get(second.uid) == first
    assert Claims.of(resources).namesakes.get(first.uid) is None


def test_of_two_made_in_the_same_second_the_first_namespace_has_the_name() -> None:
    fraud, risk = (a_resource(namespace=each, uid=each) for each in ("fraud", "risk"))
    assert Claims.of([risk, fraud]).namesakes.get(risk.uid) == fraud
    assert Claims.of([risk, fraud]).namesakes.get(fraud.uid) is None
