from typing import Any

from cardwatch_contracts.detector_config import (
    AmountSpikeConfig,
    Challenger,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    DormantCardConfig,
    Model,
    Selector,
)
from cardwatch_local.configs.differences import differences, history_rows

DEFAULTS = DetectorConfigSpec()
STRICT = DetectorConfigSpec(
    selector=Selector(bank_ids=("A", "B")),
    detectors=Detectors(
        amount_spike=AmountSpikeConfig(factor=5.0), dormant_card=DormantCardConfig(mode="Off")
    ),
)


def a_record(generation: int, spec: DetectorConfigSpec, *, withdrawn: bool = False) -> ConfigRecord:
    return ConfigRecord(
        name="strict", generation=generation, created_at=0, spec=spec, withdrawn=withdrawn
    )


def test_specs_that_say_the_same_have_no_difference() -> None:
    assert differences(STRICT, STRICT) == []


def test_each_setting_that_changed_is_named_with_what_it_was_and_is() -> None:
    assert sorted(differences(DEFAULTS, STRICT)) == [
        "amountSpike.factor 10.0 → 5.0",
        "dormantCard.mode Active → Off",
        "selector.bankIds none → A+B",
    ]


def test_what_is_there_no_more_became_none() -> None:
    assert "selector.bankIds A+B → none" in differences(STRICT, DEFAULTS)
    later = DetectorConfigSpec(effective_from=5, parallelism=2)
    assert sorted(differences(later, DEFAULTS)) == ["effectiveFrom 5 → none", "parallelism 2 → 1"]


def test_the_first_generation_is_compared_with_the_defaults() -> None:
    (row,) = history_rows([(a_record(1, DEFAULTS), 10)])
    assert row == (a_record(1, DEFAULTS), 10, "nothing")


def test_each_generation_is_compared_with_the_one_before_that_judged() -> None:
    later = DetectorConfigSpec(parallelism=2)
    entries = [
        (a_record(1, DEFAULTS), 10),
        (a_record(2, later), 20),
        (a_record(3, DEFAULTS, withdrawn=True), 30),
        (a_record(4, later), 40),
    ]
    assert [(at, changes) for _, at, changes in history_rows(entries)] == [
        (10, "nothing"),
        (20, "parallelism 1 → 2"),
        (30, "withdrawn"),
        (40, "nothing"),
    ]
    assert history_rows([]) == []


def with_model(**fields: Any) -> DetectorConfigSpec:
    return DetectorConfigSpec(model=Model(**({"name": "habits"} | fields)))


def test_a_model_that_comes_is_said_with_what_is_asked_of_it_alone() -> None:
    assert differences(DEFAULTS, with_model()) == ["model.name none → habits"]
    assert differences(DEFAULTS, with_model(mode="Shadow", threshold=0.5)) == [
        "model.name none → habits",
        "model.threshold none → 0.5",
        "model.mode none → Shadow",
    ]


def test_a_model_that_goes_leaves_nothing() -> None:
    assert differences(with_model(), DEFAULTS) == ["model.name habits → none"]


def test_what_a_model_does_by_default_has_its_words() -> None:
    pinned = with_model(hash="0123456789abcdef" * 4, threshold=0.5, mode="Shadow")
    assert differences(with_model(), pinned) == [
        "model.hash newest → 0123456789ab",
        "model.threshold as trained → 0.5",
        "model.mode Active → Shadow",
    ]
    assert "model.hash 0123456789ab → newest" in differences(pinned, with_model())


def test_one_version_of_a_model_for_another_is_said_by_its_hash() -> None:
    before, after = (with_model(hash=digits * 32) for digits in ("0a", "1b"))
    assert differences(before, after) == ["model.hash 0a0a0a0a0a0a → 1b1b1b1b1b1b"]


def test_a_challenger_is_named_apart() -> None:
    tried = with_model(challenger=Challenger(name="trial", alerts_per_thousand_cards=2.0))
    assert differences(with_model(), tried) == [
        "model.challenger.name none → trial",
        "model.challenger.alertsPerThousandCards none → 2.0",
    ]
