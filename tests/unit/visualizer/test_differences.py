from datetime import UTC

from tests.unit.transactions import NOON_MS

from cardwatch_contracts.detector_config import (
    AmountSpikeConfig,
    Challenger,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    Model,
    Selector,
)
from cardwatch_visualizer.views.differences import Difference, differences


def record(generation: int, spec: DetectorConfigSpec, *, withdrawn: bool = False) -> ConfigRecord:
    return ConfigRecord(
        name="strict", generation=generation, created_at=0, spec=spec, withdrawn=withdrawn
    )


def test_what_differs_is_told_with_its_unit_and_nothing_else() -> None:
    before = record(1, DetectorConfigSpec())
    after = record(
        2,
        DetectorConfigSpec(
            selector=Selector(bank_ids=("A", "B")),
            effective_from=NOON_MS,
            detectors=Detectors(amount_spike=AmountSpikeConfig(factor=5.0, mode="Shadow")),
            parallelism=2,
        ),
    )
    assert differences(before, after, UTC) == [
        Difference(path="selector.bankIds", before="all", after="A, B"),
        Difference(path="effectiveFrom", before="at once", after="2025-10-09 09:00:00 UTC"),
        Difference(path="detectors.amountSpike.mode", before="Active", after="Shadow"),
        Difference(path="detectors.amountSpike.factor", before="10", after="5"),
        Difference(path="parallelism", before="1", after="2"),
    ]
    assert differences(after, after, UTC) == []


def test_another_model_is_told_field_by_field() -> None:
    july = Model(name="july", hash=64 * "a", threshold=0.5)
    newest = Model(name="july", mode="Shadow", challenger=Challenger(name="june"))
    rules, before, after = (
        record(number, DetectorConfigSpec(model=model))
        for number, model in enumerate((None, july, newest), start=1)
    )
    assert [(each.path, each.before, each.after) for each in differences(before, after, UTC)] == [
        ("model.hash", 64 * "a", "the newest"),
        ("model.threshold", "0.5", "none"),
        ("model.mode", "Active", "Shadow"),
        ("model.challenger.name", "none", "june"),
        ("model.challenger.hash", "none", "the newest"),
    ]
    assert [(each.path, each.before) for each in differences(rules, before, UTC)] == [
        ("model.name", "none"), ("model.hash", "none"), ("model.threshold", "none"),
        ("model.mode", "none"),
    ]  # fmt: skip


def test_a_withdrawal_is_a_difference() -> None:
    (only,) = differences(
        record(1, DetectorConfigSpec()), record(2, DetectorConfigSpec(), withdrawn=True), UTC
    )
    assert (only.path, only.before) == ("withdrawn", "no")


def test_hostile_names_are_text_without_controls_or_card_numbers() -> None:
    hostile = DetectorConfigSpec(selector=Selector(bank_ids=("<b>\u202e", "4111111111111111")))
    (only,) = differences(record(1, DetectorConfigSpec()), record(2, hostile), UTC)
    assert only.after.isprintable()
    assert "<b>" in only.after
    assert "4111" not in only.after
