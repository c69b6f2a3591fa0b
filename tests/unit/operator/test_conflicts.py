import pytest
from tests.unit.operator.resource_samples import a_resource

from cardwatch_contracts.detector_config import DetectorConfigSpec, Selector
from cardwatch_operator.conflicts import namesake_of, owner_of_parallelism, winner_over
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
    assert winner_over(younger, [OLDER, younger]) == (OLDER if conflicts else None)


def test_the_older_one_has_no_conflict() -> None:
    assert winner_over(OLDER, [OLDER, selecting("younger", 2_000, bank_ids=("A",))]) is None


def test_of_several_the_oldest_is_named() -> None:
    third = selecting("third", 3_000, bank_ids=("A",))
    second = selecting("second", 2_000, bank_ids=("A",))
    assert winner_over(third, [third, second, OLDER]) == OLDER


def test_of_the_same_age_the_first_by_name_wins_as_in_the_job() -> None:
    a, b = selecting("a", 1_000), selecting("b", 1_000)
    assert winner_over(b, [b, a]) == a
    assert winner_over(a, [b, a]) is None


def test_what_is_invalid_neither_wins_nor_conflicts() -> None:
    invalid = a_resource("invalid", spec=None, created_at=0)
    everything = selecting("everything", 1_000)
    assert winner_over(everything, [invalid, everything]) is None
    assert winner_over(invalid, [everything]) is None


def test_the_oldest_valid_one_for_a_job_owns_its_parallelism() -> None:
    invalid = a_resource("invalid", spec=None, created_at=0)
    other = a_resource("other", spec=DetectorConfigSpec(job_ref="trial"), created_at=1)
    younger = selecting("younger", 2_000)
    resources = [younger, invalid, other, OLDER]
    assert owner_of_parallelism("cardwatch", resources) == OLDER
    assert owner_of_parallelism("trial", resources) == other
    assert owner_of_parallelism("nothing", resources) is None


def test_the_oldest_of_a_name_in_all_namespaces_has_it() -> None:
    first = a_resource(namespace="risk", uid="1", created_at=1_000)
    second = a_resource(namespace="fraud", uid="2", created_at=2_000)
    third = a_resource(namespace="trial", uid="3", created_at=3_000)
    resources = [third, second, first, a_resource("other", created_at=0)]
    assert namesake_of(third, resources) == first
    assert namesake_of(second, resources) == first
    assert namesake_of(first, resources) is None


def test_of_two_made_in_the_same_second_the_first_namespace_has_the_name() -> None:
    fraud, risk = (a_resource(namespace=each, uid=each) for each in ("fraud", "risk"))
    assert namesake_of(risk, [risk, fraud]) == fraud
    assert namesake_of(fraud, [risk, fraud]) is None
