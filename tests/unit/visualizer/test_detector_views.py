from typing import Any

import pytest
from tests.unit.transactions import NOON_MS

from cardwatch_contracts.detector_config import (
    DEFAULT_CONFIG,
    AmountSpikeConfig,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
)
from cardwatch_visualizer.figures.detectors import findings_figure
from cardwatch_visualizer.views.detectors import (
    column_names,
    detector_rows,
    hours_of,
    precision,
)

HOUR_MS = 3_600_000
STRICT = ConfigRecord(
    name="strict",
    generation=3,
    created_at=0,
    spec=DetectorConfigSpec(detectors=Detectors(amount_spike=AmountSpikeConfig(factor=5.0))),
)


def counts(detector: str, mode: str, findings: int, **of: int) -> dict[str, Any]:
    none = {"fraudulent": 0, "genuine": 0, "unsure": 0}
    return {"detector": detector, "mode": mode, "findings": findings, **none, **of}


def test_each_detector_has_a_line_with_both_modes_and_each_configs_thresholds() -> None:
    found = [
        counts("amount_spike", "active", 48, fraudulent=3, genuine=1, unsure=7),
        counts("amount_spike", "shadow", 12),
        counts("retired_rule", "active", 1),
    ]
    rows = detector_rows(found, [DEFAULT_CONFIG, STRICT], hours=24)

    assert [row["detector"] for row in rows] == [*Detectors.__struct_fields__, "retired_rule"]
    assert rows[0] == {
        "detector": "amount_spike",
        "active_per_h": 2.0,
        "active_findings": 48,
        "active_answered": 4,
        "active_precision": 0.75,
        "shadow_per_h": 0.5,
        "shadow_findings": 12,
        "shadow_answered": 0,
        "shadow_precision": None,
        "config-0": "factor 10, min transactions 5",
        "config-1": "factor 5, min transactions 5",
    }
    assert rows[1]["active_per_h"] == 0
    assert "config-0" not in rows[-1], "no config knows it"
    assert column_names([DEFAULT_CONFIG, STRICT]) == ["built-in", "strict, gen. 3"]


def test_precision_is_not_known_before_an_analyst_is_sure() -> None:
    assert precision(None) is None
    assert precision(counts("a", "active", 9, unsure=9)) is None
    assert precision(counts("a", "active", 9, genuine=2)) == 0


@pytest.mark.parametrize(
    ("first_ms", "hours"),
    [(None, 24.0), (NOON_MS, 1.0), (NOON_MS - 6 * HOUR_MS, 6.0), (NOON_MS - 99 * HOUR_MS, 24.0)],
)
def test_averages_are_from_the_first_alert_on_and_of_an_hour_at_least(
    first_ms: int | None, hours: float
) -> None:
    assert hours_of(first_ms, NOON_MS - 24 * HOUR_MS, NOON_MS) == hours


def test_bars_stand_side_by_side_and_differ_in_more_than_colour() -> None:
    rows = detector_rows([counts("amount_spike", "active", 3)], [], hours=1)
    figure = findings_figure("dark", rows, "none")
    trial, active = figure["data"]
    assert active["y"][-1] == "amount_spike", "the first is at the top"
    assert active["x"][-1] == 3
    assert trial["marker"]["pattern"]["shape"] != active["marker"]["pattern"]["shape"]
    assert figure["layout"]["legend"]["orientation"] == "h", "as in all plots"


def test_what_the_archive_does_not_say_is_not_known_and_never_zero() -> None:
    rows = detector_rows(None, [DEFAULT_CONFIG], hours=1)
    assert rows[0] == {"detector": "amount_spike", "config-0": "factor 10, min transactions 5"}
    for known in (rows, detector_rows([], [], hours=1)):
        figure = findings_figure("light", known, "none")
        assert figure["data"] == []
        assert figure["layout"]["annotations"][0]["text"] == "none"


def test_a_hostile_detector_is_no_markup() -> None:
    rows = detector_rows([counts("<a href=x>", "active", 1)], [], 1)
    figure = findings_figure("light", rows, "none")
    assert "&lt;a href=x&gt;" in figure["data"][0]["y"]
