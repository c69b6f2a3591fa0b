from itertools import permutations

import pytest
from tests.unit.operator.resource_samples import a_record, acks_of, an_ack

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigAck,
    ConfigRecord,
    DetectorConfigSpec,
    Mode,
    Model,
)

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


OLD, NEW, TRIAL = "0a" * 32, "1b" * 32, "2c" * 32


def with_model(
    *,
    hash: str | None = None,
    challenger: Challenger | None = None,
    mode: Mode = "Active",
    withdrawn: bool = False,
) -> ConfigRecord:
    model = Model(name="habits", hash=hash, challenger=challenger, mode=mode)
    return a_record(spec=DetectorConfigSpec(model=model), withdrawn=withdrawn)


def both(**fields: object) -> list[ConfigAck]:
    return [an_ack(0, **fields), an_ack(1, **fields)]


def test_a_config_with_a_model_is_applied_when_every_subtask_judges_with_it() -> None:
    assert acks_of(*both(model=OLD)).complete(with_model())
    assert acks_of(*both(model=OLD)).missing(with_model()) == ()


def test_who_acknowledges_without_the_model_is_missing_but_not_silent() -> None:
    acks = acks_of(an_ack(0, model=OLD), an_ack(1))
    assert acks.missing(with_model()) == (1,)
    assert acks.silent(with_model()) == ()
    assert not acks.complete(with_model())


def test_subtasks_with_different_models_are_not_complete_although_none_is_missing() -> None:
    acks = acks_of(an_ack(0, model=OLD), an_ack(1, model=NEW))
    assert acks.missing(with_model()) == ()
    assert not acks.complete(with_model())
    assert acks.models("strict") == (OLD, NEW)
    acks.add(an_ack(0, model=NEW))
    assert acks.complete(with_model())
    assert acks.models("strict") == (NEW,)


def test_a_model_that_is_pinned_is_the_one_to_judge_with() -> None:
    acks = acks_of(*both(model=OLD))
    assert acks.complete(with_model(hash=OLD))
    assert acks.missing(with_model(hash=NEW)) == (0, 1)


def test_a_challenger_is_to_be_there_and_the_one_that_is_pinned() -> None:
    without = acks_of(*both(model=OLD))
    assert without.missing(with_model(challenger=Challenger(name="trial"))) == (0, 1)
    acks = acks_of(*both(model=OLD, challenger=TRIAL))
    assert acks.complete(with_model(challenger=Challenger(name="trial")))
    assert acks.complete(with_model(challenger=Challenger(name="trial", hash=TRIAL)))
    assert acks.missing(with_model(challenger=Challenger(name="trial", hash=NEW))) == (0, 1)


def test_different_challengers_are_not_complete() -> None:
    acks = acks_of(an_ack(0, model=OLD, challenger=TRIAL), an_ack(1, model=OLD, challenger=NEW))
    assert not acks.complete(with_model(challenger=Challenger(name="trial")))


def test_who_refuses_is_missing_and_says_why_even_with_a_model_in_force() -> None:
    acks = acks_of(an_ack(0, model=OLD), an_ack(1, model=OLD, refused="the hash does not match"))
    assert acks.missing(with_model()) == (1,)
    assert acks.silent(with_model()) == ()
    assert acks.refusals(with_model()) == {1: "the hash does not match"}
    assert acks.models("strict") == (OLD,)


def test_a_refusal_of_another_generation_is_none_of_this_one() -> None:
    acks = acks_of(an_ack(0, refused="broken"), an_ack(1, generation=2, model=OLD))
    assert acks.refusals(with_model()) == {0: "broken"}
    assert acks.refusals(a_record(generation=2)) == {}


def test_the_last_word_on_a_generation_counts() -> None:
    acks = acks_of(*both(refused="no model habits is published"))
    assert not acks.complete(with_model())
    for ack in both(model=NEW):
        acks.add(ack)
    assert acks.complete(with_model())
    assert acks.refusals(with_model()) == {}


def test_a_model_that_is_off_is_not_waited_for() -> None:
    assert acks_of(*both()).complete(with_model(mode="Off"))
    assert not acks_of(*both()).complete(with_model(mode="Shadow"))


def test_a_withdrawal_waits_for_no_model() -> None:
    assert acks_of(*both()).complete(with_model(withdrawn=True))


def test_models_of_a_run_that_is_over_are_forgotten() -> None:
    acks = acks_of(*both(model=OLD), an_ack(0, run="run-2", started_at=200))
    assert acks.models("strict") == ()
    assert acks.missing(with_model()) == (0, 1)
