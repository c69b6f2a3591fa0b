from cardwatch_contracts.detector_config import (
    AmountSpikeConfig,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    DormantCardConfig,
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
