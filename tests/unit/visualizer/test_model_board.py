"""What subtasks say of their models, added up."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.transactions import NOON_MS
from tests.unit.visualizer.model_samples import HASH, OTHER, TRAINED, a_feature, bins, said
from tests.unit.visualizer.test_configs_and_banks import ack

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigRecord,
    DetectorConfigSpec,
    Model,
)
from cardwatch_contracts.model_stats import ModelStats
from cardwatch_visualizer.live.model_shapes import ModelSeen
from cardwatch_visualizer.live.models import KEEP_MS, MOST_VERSIONS, ModelBoard
from cardwatch_visualizer.live.moments import Moments
from cardwatch_visualizer.live.subtasks import acks_of, models_of, refusing_in

_MINUTE_MS = 60_000


def board(*windows: ModelStats, now_ms: int = NOON_MS) -> ModelBoard:
    made = ModelBoard()
    for each in windows:
        made.put(each, now_ms)
    return made


def only(made: ModelBoard, now_ms: int = NOON_MS) -> ModelSeen:
    (found,) = made.seen(now_ms)
    return found


def at(ends_at: int, **of: Any) -> ModelStats:
    return said(begins_at=ends_at - 10_000, ends_at=ends_at, **of)


def test_subtasks_are_added_up() -> None:
    found = only(
        board(
            said(subtask=0, scored=100, findings=1, risks=bins(90, 10)),
            said(subtask=1, scored=300, findings=4, risks=bins(290, 0, 10)),
        )
    )
    assert (found.scored, found.findings) == (400, 5)
    assert found.risks == bins(380, 10, 10)
    assert found.trained_risks == TRAINED
    assert (found.subtasks, found.parallelism) == (2, 2)
    assert (found.config, found.role, found.model, found.hash) == ("strict", "model", "july", HASH)
    assert (found.begins_at, found.ends_at) == (NOON_MS - 10_000, NOON_MS)


def test_means_and_deviations_are_those_of_all_transactions() -> None:
    # 1, 3 and 5, 5, 5, 9: together a mean of 28 / 6, squares of 166 / 6.
    found = only(
        board(
            said(subtask=0, scored=2, features={"amount": a_feature(2, 1)}),
            said(subtask=1, scored=4, features={"amount": a_feature(6, 3**0.5)}),
        )
    )
    amount = found.features["amount"]
    assert amount.mean == pytest.approx(28 / 6)
    assert amount.deviation == pytest.approx((166 / 6 - (28 / 6) ** 2) ** 0.5)
    assert (amount.trained_mean, amount.trained_deviation) == (40, 20)


def test_no_values_have_no_deviation_and_no_count() -> None:
    moments = Moments()
    moments.add(0, 5, 5)
    assert (moments.count, moments.mean, moments.deviation) == (0, 0, 0)


def test_what_is_older_than_half_an_hour_is_forgotten() -> None:
    made = board(at(NOON_MS - 20 * _MINUTE_MS), at(NOON_MS))
    assert only(made).scored == 200
    assert only(made, NOON_MS + 15 * _MINUTE_MS).scored == 100
    assert made.seen(NOON_MS + KEEP_MS + _MINUTE_MS) == []
    made.put(at(NOON_MS - KEEP_MS), NOON_MS)
    assert made.seen(NOON_MS + KEEP_MS + _MINUTE_MS) == [], "too old when it came"


def test_a_window_that_comes_twice_counts_once() -> None:
    made = board(said(), said())
    assert only(made).scored == 100
    assert made.scored == {("strict", "model", "july"): 100}


def test_rates_are_of_the_last_minutes_alone() -> None:
    old = at(NOON_MS - 10 * _MINUTE_MS, scored=10_000)
    lately = [at(NOON_MS - 10_000 * n, scored=50, findings=2) for n in range(6)]
    found = only(board(old, *lately))
    assert found.scored == 10_300
    assert (found.scored_per_min, found.findings_per_min) == (300, 12)


def test_after_a_rescale_windows_still_count_and_the_new_subtasks_are_told() -> None:
    """An autoscaler would else keep drift from ever being known."""
    made = board(
        at(NOON_MS - 60_000, subtask=0), at(NOON_MS - 60_000, subtask=1),
        at(NOON_MS, subtask=0, parallelism=4),
    )  # fmt: skip
    found = only(made)
    assert found.scored == 300
    assert (found.subtasks, found.parallelism) == (1, 4)


def test_a_subtask_that_is_silent_is_not_counted_as_speaking() -> None:
    made = board(said(subtask=0), said(subtask=1))
    later = NOON_MS + 3 * _MINUTE_MS
    made.put(at(later, subtask=0), later)
    assert only(made, later).subtasks == 1


def test_versions_and_roles_are_told_apart_the_newest_first() -> None:
    made = board(
        at(NOON_MS - 60_000, hash=OTHER, model="june"),
        said(),
        said(role="challenger", hash=OTHER, model="june"),
        said(config="another"),
    )
    assert [(s.config, s.role, s.model) for s in made.seen(NOON_MS)] == [
        ("another", "model", "july"),
        ("strict", "model", "july"),
        ("strict", "model", "june"),
        ("strict", "challenger", "june"),
    ]


def test_a_window_without_transactions_takes_nothing_away() -> None:
    quiet = at(
        NOON_MS, subtask=1, scored=0, findings=0, risks=bins(), trained_risks=(), features={}
    )
    found = only(board(at(NOON_MS - 20_000), quiet))
    assert found.features["amount"].mean == 50
    assert found.trained_risks == TRAINED
    assert found.subtasks == 2


def test_a_clock_that_is_ahead_holds_nothing_up() -> None:
    made = board(at(NOON_MS + 86_400_000))
    assert only(made).scored == 100
    assert made.seen(NOON_MS + KEEP_MS + 2 * _MINUTE_MS) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"risks": (1, 2)},
        {"risks": bins(-1)},
        {"trained_risks": (1.0,)},
        {"scored": -1},
        {"subtask": 2},
        {"begins_at": NOON_MS + 1},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    made = ModelBoard()
    with pytest.raises(InvalidRecordError, match="Expected"):
        made.put(said(**wrong), NOON_MS)
    assert made.seen(NOON_MS) == []


def test_values_that_cannot_be_added_leave_the_rest_alone() -> None:
    huge = {"huge": a_feature(1e300, 1e300), "amount": a_feature()}
    found = only(board(said(subtask=0, features=huge), said(subtask=1, features=huge)))
    assert list(found.features) == ["amount"]


def test_versions_are_bounded_those_that_spoke_last_stay() -> None:
    made = board(*(said(hash=f"{n:064}") for n in range(MOST_VERSIONS + 5)))
    kept = {each.hash for each in made.seen(NOON_MS)}
    assert len(kept) == MOST_VERSIONS
    assert f"{MOST_VERSIONS + 4:064}" in kept
    assert f"{4:064}" not in kept


def test_card_numbers_are_redacted_and_hashes_are_not() -> None:
    digits = "4111111111111111" + 48 * "a"
    found = only(board(said(model="m-4111111111111111", hash=digits)))
    assert "4111111111111111" not in found.model
    assert found.hash == digits


def asking(model: Model | None) -> ConfigRecord:
    spec = DetectorConfigSpec(model=model)
    return ConfigRecord(name="strict", generation=2, created_at=0, spec=spec)


def refusing(generation: int = 2) -> Acknowledgements:
    acks = Acknowledgements()
    acks.add(replace(ack("strict", generation, 0), model=HASH))
    acks.add(replace(ack("strict", generation, 1), refused="no model july is published"))
    return acks


def test_refusals_are_told_by_reason() -> None:
    wanted = Model(name="july", challenger=Challenger(name="june", hash=OTHER))
    (found,) = models_of([asking(wanted)], refusing())
    assert found.refused == {"no model july is published": [1]}
    assert (found.model, found.mode) == (Challenger(name="july"), "Active")
    assert found.challenger == Challenger(name="june", hash=OTHER)
    (told,) = acks_of([asking(wanted)], refusing())
    assert refusing_in(told) == [1]
    assert [each.model for each in told.subtasks] == ["ab12cd3", ""]


def test_refusals_of_a_generation_that_is_over_are_none() -> None:
    (found,) = models_of([asking(Model(name="july"))], refusing(generation=1))
    assert found.refused == {}


def test_a_config_without_a_model_in_use_asks_for_none() -> None:
    assert models_of([asking(None), asking(Model(name="july", mode="Off"))], refusing()) == []
