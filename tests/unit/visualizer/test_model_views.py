import json
from typing import Any

import pytest
from tests.unit.visualizer.model_samples import HASH, OTHER, a_feature, bins, seen

from cardwatch_contracts.detector_config import Challenger
from cardwatch_visualizer.figures.models import risks_figure
from cardwatch_visualizer.live.drift import drift_of, moves_of
from cardwatch_visualizer.live.model_shapes import ConfigModels, KeptModels
from cardwatch_visualizer.views.models import (
    agreement_lines,
    agreement_words,
    configs_of,
    drift_words,
    high_risks,
    move_words,
    moved,
    overview,
    risk_lines,
    side_of,
    troubles_of,
    version_lines,
)
from cardwatch_visualizer.views.shares import interval, precision_words


def asking(**of: Any) -> ConfigModels:
    given: dict[str, Any] = {
        "config": "strict",
        "generation": 3,
        "model": Challenger(name="july"),
        "mode": "Active",
        "challenger": None,
        "refused": {},
    }
    return ConfigModels(**(given | of))


def test_the_interval_is_wilsons() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 0 of 20.
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert interval(20, 20)[1] == 1
    for hits, of in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="of"):
            interval(hits, of)


def test_a_precision_says_of_how_many_and_how_sure() -> None:
    assert precision_words(8, 4) == "67 % of 12 (39 to 86 %)"
    assert precision_words(0, 0) == "–"


def test_drift_is_told_in_a_word_with_its_index() -> None:
    drifted = seen(risks=bins(1_000, 1_000))
    assert drift_words(drifted, drift_of(drifted)) == "drifted (1.58)"
    few = seen(scored=412)
    assert drift_words(few, drift_of(few)) == "not known yet: 412 of 1,000 transactions"
    untold = seen(trained_risks=())
    assert drift_words(untold, drift_of(untold)) == "not known: nothing is said of training"


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        (
            a_feature(66.04, 42),
            "amount: 66 on average, 40 in training: 1.3 deviations higher, spread 2.1 times",
        ),
        (
            a_feature(0, 0),
            "amount: 0 on average, 40 in training: 2.0 deviations lower, and now always the same",
        ),
        (
            a_feature(1234, 1, trained_deviation=0),
            "amount: 1,234 on average, 40 in training, where it was always the same",
        ),
    ],
)
def test_a_feature_that_moved_is_told_in_words(feature: Any, words: str) -> None:
    (move,) = moves_of({"amount": feature})
    assert move_words(move) == words


def test_features_that_did_not_move_are_not_told() -> None:
    features = {f"f{number}": a_feature(40 + 20 * number, 20) for number in range(9)}
    told = moved(drift_of(seen(features=features)))
    assert [words.partition(":")[0] for words in told] == ["f8", "f7", "f6", "f5", "f4"]
    assert moved(drift_of(seen(features={"f0": a_feature(40, 20)}))) == []
    assert moved(None) == []


def test_each_version_has_a_line() -> None:
    kept = KeptModels(seen=[seen(), seen(role="challenger", model="june", hash=OTHER, scored=5)])
    first, second = overview(kept)
    assert first == (
        *("strict", "model", "july ab12cd3", "70", "0.1", "0.20 %", "stable (0.00)"),
        "amount: 50 on average, 40 in training: 0.5 deviations higher, spread 0.5 times",
    )
    assert second[1:3] == ("challenger", "june ffee112")
    assert second[-1] == "–"


def test_a_side_is_the_version_that_is_asked_for() -> None:
    """While one takes another's place both speak, and the other may speak last."""
    kept = KeptModels(
        seen=[seen(hash=OTHER), seen()],
        configs=[asking(model=Challenger(name="july", hash=HASH), mode="Shadow")],
    )
    side = side_of(kept, "strict", "model")
    assert side is not None
    assert side.seen is not None
    assert (side.seen.hash, side.asked, side.mode) == (HASH, "july ab12cd3", "on trial")
    assert side_of(kept, "strict", "challenger") is None
    assert side_of(kept, "other", "model") is None


def test_a_model_that_is_no_longer_asked_for_is_still_told() -> None:
    kept = KeptModels(seen=[seen()])
    side = side_of(kept, "strict", "model")
    assert side is not None
    assert (side.asked, side.mode) == ("", "in force")
    assert configs_of(kept) == ["strict"]


def test_what_is_refused_and_what_is_silent_is_said() -> None:
    refused = asking(refused={"its hash is not that of its content": [0, 3]})
    assert troubles_of(KeptModels(configs=[refused])) == [
        "Subtasks 0, 3: the models that strict asks for are refused: its hash is not that of its "
        "content."
    ]
    assert troubles_of(KeptModels(configs=[asking()])) == [
        "strict: nothing was heard of july for half an hour."
    ]
    assert troubles_of(KeptModels(configs=[asking()], seen=[seen()])) == []


def test_risks_are_a_table_of_shares() -> None:
    lines = list(risk_lines(seen()))
    assert len(lines) == 20
    assert lines[0] == ("0.00 to 0.05", "1,800", "90.00 %", "90.00 %")
    assert lines[-1] == ("0.95 to 1.00", "100", "5.00 %", "5.00 %")
    assert next(risk_lines(seen(trained_risks=())))[3] == "–"
    assert high_risks(seen()) == "5.00 %, 5.00 % in training"
    assert high_risks(seen(trained_risks=())) == "5.00 %"


def test_the_plot_has_no_place_for_nothing_on_its_logarithm() -> None:
    figure = risks_figure("light", seen(), "")
    now, trained = figure["data"]
    assert now["y"][:3] == [90, 5, None]
    assert trained["y"][-1] == pytest.approx(5)
    assert (now["x"][0], figure["layout"]["yaxis"]["type"]) == (0.025, "log")
    (alone,) = risks_figure("dark", seen(trained_risks=()), "")["data"]
    assert alone["name"] == "now"
    for nothing in (None, seen(risks=bins())):
        assert "quiet" in json.dumps(risks_figure("light", nothing, "quiet"))


def row(*, of_model: bool, of_challenger: bool, alerts: int, **of: int) -> dict[str, Any]:
    none = {"fraudulent": 0, "genuine": 0}
    both = {"of_model": of_model, "of_challenger": of_challenger}
    return {**both, "alerts": alerts, **none, **of}


def test_agreement_is_told_by_who_objects() -> None:
    rows = [
        row(of_model=True, of_challenger=True, alerts=9, fraudulent=3, genuine=1),
        row(of_model=True, of_challenger=False, alerts=3),
        row(of_model=False, of_challenger=True, alerts=6),
    ]
    assert agreement_lines(rows) == [
        ("both", "9", "3", "1", "75 % of 4 (30 to 95 %)"),
        ("the model alone", "3", "0", "0", "–"),
        ("the challenger alone", "6", "0", "0", "–"),
    ]
    assert agreement_words(rows, "noon") == (
        "Since noon the model objects to 12 transactions and the challenger to 15; "
        "they agree on 9 of 18 (50.00 %)."
    )
    assert agreement_lines(rows[:1])[1] == ("the model alone", "0", "0", "0", "–")


def test_findings_are_told_by_version() -> None:
    found = {"mode": "shadow", "findings": 1_200, "fraudulent": 1, "genuine": 0}
    rows = [
        {"detector": "challenger", "model": OTHER, **found},
        {"detector": "amount_spike", "model": None, **found, "mode": "active"},
    ]
    first, second = version_lines(rows)
    assert first[:4] == ("challenger", "ffee112", "on trial", "1,200")
    assert second[:3] == ("amount_spike", "–", "active")
