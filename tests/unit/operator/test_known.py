from tests.unit.operator.resource_samples import a_record, known

from cardwatch_operator.known import NOTHING_KNOWN, KnownConfig


def test_a_record_is_in_force_unless_it_withdraws() -> None:
    assert known(a_record()).in_force == a_record()
    assert known(a_record(withdrawn=True)).in_force is None


def test_of_a_name_that_was_forgotten_the_generation_is_known() -> None:
    forgotten = KnownConfig(generation=7)
    assert (forgotten.in_force, forgotten.generation) == (None, 7)


def test_of_a_name_never_heard_of_nothing_is_in_force() -> None:
    assert (NOTHING_KNOWN.in_force, NOTHING_KNOWN.generation) == (None, 0)
