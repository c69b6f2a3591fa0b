from itertools import permutations

import pytest
from tests.unit.operator.resource_samples import a_record, acks_of, an_ack

from cardwatch_contracts.acknowledgements import Acknowledgements

RECORD = a_record(generation=1)


def test_a_config_is_applied_when_every_subtask_has_acknowledged() -> None:
    assert acks_of(an_ack(0), an_ack(1)).complete(RECORD)
    assert acks_of(an_ack(1), an_ack(0), an_ack(0)).complete(RECORD)


def test_a_subtask_that_is_silent_is_missing() -> None:
    acks = acks_of(an_ack(1))
    assert acks.missing(RECORD) == (0,)
    assert not acks.complete(RECORD)


def test_without_any_acknowledgement_nothing_is_known_of_the_job() -> None:
    acks = Acknowledgements()
    assert acks.parallelism is None
    assert acks.missing(RECORD) == ()
    assert not acks.complete(RECORD)
    assert acks.applied_at(RECORD) == 0


@pytest.mark.parametrize("fields", [{"generation": 2}, {"name": "lenient"}])
def test_acknowledgements_of_another_config_or_generation_do_not_count(
    fields: dict[str, object],
) -> None:
    assert acks_of(an_ack(0, **fields), an_ack(1, **fields)).missing(RECORD) == (0, 1)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_newest_generation_counts_in_any_order(order: tuple[int, ...]) -> None:
    given = [an_ack(subtask, generation=number) for subtask in (0, 1) for number in (1, 2)]
    acks = acks_of(*(given[index] for index in order))
    assert acks.complete(a_record(generation=2))
    assert acks.missing(RECORD) == (0, 1)


def test_when_a_new_run_speaks_what_those_before_it_said_is_worth_nothing() -> None:
    acks = acks_of(an_ack(0), an_ack(1), an_ack(0, run="run-2", started_at=200))
    assert acks.missing(RECORD) == (1,)
    acks.add(an_ack(1, run="run-2", started_at=201))
    assert acks.complete(RECORD)


def test_late_words_of_a_run_that_is_over_do_not_count() -> None:
    acks = acks_of(an_ack(0, run="run-2", started_at=200), an_ack(1, started_at=199))
    assert acks.missing(RECORD) == (1,)


def test_subtasks_of_a_run_need_not_start_in_the_same_millisecond() -> None:
    assert acks_of(an_ack(1, started_at=130), an_ack(0, started_at=100)).complete(RECORD)


@pytest.mark.parametrize(("parallelism", "is_complete"), [(1, True), (4, False)])
def test_after_a_rescale_the_newest_parallelism_counts(parallelism: int, is_complete: bool) -> None:
    acks = acks_of(an_ack(0), an_ack(1))
    acks.add(an_ack(0, parallelism=parallelism, run="run-2", started_at=200))
    assert acks.parallelism == parallelism
    assert acks.complete(RECORD) is is_complete


def test_it_is_applied_when_the_last_subtask_said_so() -> None:
    acks = acks_of(an_ack(0, applied_at=7_000), an_ack(1, applied_at=6_000))
    acks.add(an_ack(0, name="lenient", applied_at=9_000))
    assert acks.applied_at(RECORD) == 7_000


def test_a_copy_does_not_change_with_the_original() -> None:
    acks = acks_of(an_ack(0))
    copy = acks.copy()
    acks.add(an_ack(1))
    assert (copy.missing(RECORD), copy.parallelism) == ((1,), 2)
    copy.add(an_ack(1, started_at=99))
    assert copy.complete(RECORD)
