from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.transactions import make_transaction

from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    DormantCardConfig,
    Selector,
    VeryHighValueConfig,
)
from cardwatch_job.rules import MAX_GENERATIONS, MIN_MEMORY_D, Rules

_START_MS = 1_800_000_000_000
_DAY_MS = 86_400_000


def _record(
    name: str = "a",
    generation: int = 1,
    *,
    effective_from: int | None = None,
    created_at: int = 0,
    **selector: tuple[str, ...],
) -> ConfigRecord:
    return ConfigRecord(
        name=name,
        generation=generation,
        created_at=created_at,
        spec=DetectorConfigSpec(selector=Selector(**selector), effective_from=effective_from),
    )


def _withdrawal(generation: int) -> ConfigRecord:
    return ConfigRecord(name="a", generation=generation, created_at=0, withdrawn=True)


def _judge_of(rules: Rules, *, at_ms: int = _START_MS, **fields: Any) -> tuple[str, int]:
    record = rules.select(make_transaction(event_time=at_ms, **fields)).record
    return record.name, record.generation


def test_the_built_in_config_judges_what_no_other_selects() -> None:
    rules = Rules([_record(bank_ids=("B",))])
    assert _judge_of(rules, bank_id="A") == ("built-in", 0)
    assert _judge_of(rules, bank_id="B") == ("a", 1)


def test_the_most_specific_wins_and_among_equals_the_oldest() -> None:
    rules = Rules(
        [
            _record("wide", bank_ids=("A",)),
            _record("younger", created_at=2, bank_ids=("A",), currencies=("EUR",)),
            _record("older", created_at=1, bank_ids=("A",), countries=("DE",)),
        ]
    )
    assert _judge_of(rules, bank_id="A", country="DE", currency="EUR")[0] == "older"
    assert _judge_of(rules, bank_id="A", country="FR", currency="EUR")[0] == "younger"
    assert _judge_of(rules, bank_id="A", country="FR", currency="USD")[0] == "wide"


@given(st.permutations(range(1, 6)))
def test_the_highest_generation_is_in_force_whatever_the_order(order: list[int]) -> None:
    rules = Rules()
    for generation in order:
        rules.apply(_record(generation=generation))
    assert _judge_of(rules) == ("a", 5)
    assert [record.generation for record in rules] == [5]


def test_a_generation_judges_from_its_event_time_on_and_the_one_before_until_then() -> None:
    rules = Rules([_record(generation=1)])
    assert rules.apply(_record(generation=2, effective_from=_START_MS + 1000))
    assert _judge_of(rules, at_ms=_START_MS + 999) == ("a", 1)
    assert _judge_of(rules, at_ms=_START_MS + 1000) == ("a", 2)


def test_a_generation_that_moves_the_time_replaces_the_one_that_was_to_come() -> None:
    rules = Rules([_record(generation=1)])
    rules.apply(_record(generation=2, effective_from=_START_MS + 1000))
    rules.apply(_record(generation=3, effective_from=_START_MS + 500))
    assert _judge_of(rules, at_ms=_START_MS + 499) == ("a", 1)
    assert _judge_of(rules, at_ms=_START_MS + 500) == ("a", 3)
    assert [record.generation for record in rules] == [1, 3]


def test_before_a_first_generation_begins_the_built_in_config_judges() -> None:
    rules = Rules([_record(effective_from=_START_MS)])
    assert _judge_of(rules, at_ms=_START_MS - 1) == ("built-in", 0)


def test_the_generations_kept_are_bounded() -> None:
    rules = Rules(_record(generation=n, effective_from=n * 1000) for n in range(1, 50))
    assert len(list(rules)) == MAX_GENERATIONS


def test_rules_made_of_the_generations_of_others_are_equal() -> None:
    first = Rules([_record(generation=1), _record(generation=2, effective_from=_START_MS)])
    again = Rules(reversed(list(first)))
    for at_ms in (_START_MS - 1, _START_MS):
        assert _judge_of(first, at_ms=at_ms) == _judge_of(again, at_ms=at_ms)


def test_a_config_that_is_forgotten_judges_no_more() -> None:
    rules = Rules([_record(generation=1)])
    assert _judge_of(rules) == ("a", 1)
    rules.forget("a")
    assert _judge_of(rules) == ("built-in", 0)
    rules.forget("never known")


def test_a_withdrawn_config_judges_nothing_and_its_generation_is_kept() -> None:
    rules = Rules([_record(generation=1), _record("wide")])
    assert _judge_of(rules) == ("a", 1)
    assert rules.apply(_withdrawal(2))
    assert _judge_of(rules) == ("wide", 1)
    assert [record.generation for record in rules if record.name == "a"] == [2]


@given(st.permutations(range(1, 5)))
def test_older_generations_do_not_come_back_after_a_withdrawal(order: list[int]) -> None:
    rules = Rules()
    for generation in order:
        record = _record(generation=generation, effective_from=generation * 1000)
        rules.apply(_withdrawal(4) if generation == 4 else record)
    assert _judge_of(rules) == ("built-in", 0)
    assert list(rules) == [_withdrawal(4)]
    assert not rules.apply(_record(generation=3))
    assert rules.apply(_record(generation=5))
    assert _judge_of(rules) == ("a", 5)


def test_a_config_that_comes_back_later_judges_nothing_until_then() -> None:
    rules = Rules([_withdrawal(2), _record(generation=3, effective_from=_START_MS)])
    assert _judge_of(rules, at_ms=_START_MS - 1) == ("built-in", 0)
    assert _judge_of(rules, at_ms=_START_MS) == ("a", 3)


def test_a_withdrawn_config_needs_no_memory() -> None:
    patient = Detectors(dormant_card=DormantCardConfig(min_silence_d=1000))
    spec = DetectorConfigSpec(detectors=patient)
    gone = ConfigRecord(name="a", generation=1, created_at=0, spec=spec, withdrawn=True)
    assert Rules([gone]).memory_ms == MIN_MEMORY_D * _DAY_MS


def test_a_config_is_in_force_for_kinds_of_transactions_seen_before() -> None:
    rules = Rules()
    assert _judge_of(rules)[0] == "built-in"
    rules.apply(_record())
    assert _judge_of(rules)[0] == "a"


def test_cards_are_remembered_as_long_as_the_most_patient_detector_needs() -> None:
    assert Rules().memory_ms == MIN_MEMORY_D * _DAY_MS
    patient = Detectors(dormant_card=DormantCardConfig(min_silence_d=1000))
    record = ConfigRecord(
        name="a", generation=1, created_at=0, spec=DetectorConfigSpec(detectors=patient)
    )
    rules = Rules([record])
    assert rules.memory_ms == 4000 * _DAY_MS
    rules.forget("a")
    assert rules.memory_ms == MIN_MEMORY_D * _DAY_MS


def test_choosing_among_many_configs_looks_at_each_kind_of_transaction_once() -> None:
    strict = Detectors(very_high_value=VeryHighValueConfig(max_amount_minor=1))
    records = [
        ConfigRecord(
            name=f"c{n}",
            generation=1,
            created_at=n,
            spec=DetectorConfigSpec(selector=Selector(bank_ids=(f"bank-{n}",)), detectors=strict),
        )
        for n in range(200)
    ]
    rules = Rules(records)
    first = rules.select(make_transaction(bank_id="bank-199"))
    assert first.record.name == "c199"
    assert rules.select(make_transaction(bank_id="bank-199")) is first


def test_invented_banks_do_not_fill_the_memory() -> None:
    rules = Rules([_record(bank_ids=("A",))])
    for number in range(20_001):
        assert _judge_of(rules, bank_id=f"x{number}")[0] == "built-in"
    assert len(rules._by_kind) <= 10_000
