import msgspec

from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_visualizer.live.generations import (
    MOST_CONFIGS,
    MOST_GENERATIONS,
    Generations,
    KeptConfigs,
)


def record(name: str, generation: int, *, withdrawn: bool = False) -> ConfigRecord:
    return ConfigRecord(name=name, generation=generation, created_at=0, withdrawn=withdrawn)


def numbers(kept: KeptConfigs, name: str) -> list[int]:
    found = kept.find(name)
    return [] if found is None else [each.record.generation for each in found.generations]


def test_generations_are_kept_newest_first_whatever_their_order() -> None:
    generations = Generations()
    generations.put(record("a", 3), 30)
    generations.put(record("a", 1), 10)
    generations.put_current(record("a", 2), 20)

    kept = generations.kept()

    assert numbers(kept, "a") == [3, 2, 1]
    assert kept.find("b") is None


def test_what_is_published_again_was_published_when_it_was_first() -> None:
    generations = Generations()
    generations.put_current(record("a", 1), 500)
    generations.put(record("a", 1), 100)
    assert generations.kept().configs[0].generations[0].published_at == 100


def test_who_was_withdrawn_or_forgotten_judges_no_more_and_is_still_known() -> None:
    generations = Generations()
    for name in ("forgotten", "judging", "withdrawn"):
        generations.put_current(record(name, 1), 1)
    generations.put_current(record("withdrawn", 2, withdrawn=True), 2)
    generations.forget("forgotten")

    kept = generations.kept()

    assert {each.name: each.is_current for each in kept.configs} == {
        "forgotten": False,
        "judging": True,
        "withdrawn": False,
    }


def test_it_says_once_that_something_has_changed() -> None:
    generations = Generations()
    assert not generations.changed
    generations.put_current(record("a", 1), 1)
    assert generations.changed
    generations.kept()
    assert not generations.changed
    generations.put(record("a", 1), 1)
    assert not generations.changed, "it is known already"


def test_nothing_grows_without_bound() -> None:
    generations = Generations()
    for number in range(MOST_GENERATIONS + 5):
        generations.put_current(record("often", number), number)
    assert len(numbers(generations.kept(), "often")) == MOST_GENERATIONS
    assert numbers(generations.kept(), "often")[0] == MOST_GENERATIONS + 4

    generations.put(record("gone", 1), 1)
    for number in range(2 * MOST_CONFIGS):
        generations.put_current(record(f"config-{number:03}", 1), 1)
    kept = generations.kept()

    assert len(kept.configs) == MOST_CONFIGS
    assert kept.find("gone") is None, "what judges no more gives way first"
    assert kept.left_out == MOST_CONFIGS


def test_what_is_kept_survives_its_journey() -> None:
    generations = Generations()
    generations.put_current(record("a", 1), 1)
    kept = generations.kept()
    assert msgspec.json.decode(msgspec.json.encode(kept), type=KeptConfigs) == kept
