from itertools import permutations

import pytest
from tests.unit.operator.resource_samples import a_record

from cardwatch_operator.config_topics import ConfigTopics


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_the_highest_generation_is_the_current_one_in_any_order(order: tuple[int, ...]) -> None:
    topics = ConfigTopics()
    for generation in order:
        topics.note(a_record(generation=generation), 1_000 * generation)
    known = topics.known["strict"]
    assert known.current == a_record(generation=3)
    assert (known.generation, known.published_at) == (3, 3_000)


def test_history_alone_says_which_generations_were_given_not_what_is_in_force() -> None:
    topics = ConfigTopics()
    topics.note(a_record(generation=7), 1_000, current=False)
    assert (topics.known["strict"].current, topics.known["strict"].generation) == (None, 7)


def test_history_beside_the_current_record_changes_it_not() -> None:
    for first, second in ((True, False), (False, True)):
        topics = ConfigTopics()
        for current in (first, second):
            topics.note(a_record(generation=7), 1_000, current=current)
        topics.note(a_record(generation=6), 900, current=False)
        known = topics.known["strict"]
        assert (known.current, known.published_at) == (a_record(generation=7), 1_000)


def test_a_generation_that_is_published_again_was_published_when_it_first_was() -> None:
    topics = ConfigTopics()
    topics.note(a_record(), 1_000)
    topics.note(a_record(), 31_000)
    assert topics.known["strict"].published_at == 1_000
    assert topics.history("strict") == [(a_record(), 1_000)]


def test_a_withdrawal_is_current_and_not_in_force() -> None:
    topics = ConfigTopics()
    topics.note(a_record(generation=1), 1_000)
    topics.note(a_record(generation=2, withdrawn=True), 2_000)
    known = topics.known["strict"]
    assert known.current == a_record(generation=2, withdrawn=True)
    assert known.in_force is None


def test_the_history_of_a_name_has_the_oldest_generation_first() -> None:
    topics = ConfigTopics()
    for generation in (10, 9, 2):
        topics.note(a_record(generation=generation), generation, current=False)
    topics.note(a_record("strictest"), 5)
    assert topics.history("strict") == [
        (a_record(generation=generation), generation) for generation in (2, 9, 10)
    ]
    assert topics.history("never heard of") == []
