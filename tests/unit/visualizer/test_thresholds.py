"""What pages know of thresholds is what the contract says."""

import msgspec
import pytest

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import (
    AmountSpikeConfig,
    Detectors,
    NegativeAmountConfig,
    PinAvoidanceConfig,
    parse_detector_config,
)
from cardwatch_visualizer.views.thresholds import Threshold, all_settings, says

ALL = [threshold for each in all_settings() for threshold in each.thresholds]


def of(path: str) -> Threshold:
    return next(each for each in ALL if each.path == path)


def test_every_detector_and_every_number_of_the_contract_is_there() -> None:
    assert [each.detector for each in all_settings()] == list(Detectors.__struct_fields__)
    for each in all_settings():
        struct = type(getattr(Detectors(), each.detector))
        names = {field.name for field in msgspec.structs.fields(struct)} - {"mode"}
        assert {threshold.name for threshold in each.thresholds} == names
        assert each.meaning.endswith(".")


def test_a_threshold_knows_its_unit_range_default_and_meaning() -> None:
    speed = of("impossibleTravel.maxSpeedKmh")
    assert (speed.label, speed.unit, speed.is_whole) == ("max speed", "km/h", False)
    assert speed.allowed == "above 0 to 100,000 km/h"
    assert speed.words(speed.default) == "900 km/h"
    assert speed.meaning.startswith("Fastest believable journey.")

    share = of("pinAvoidance.margin")
    assert (share.label, share.unit, share.allowed) == ("margin", "", "above 0 to below 1")
    count = of("amountSpike.minTransactions")
    assert (count.unit, count.is_whole, count.allowed) == ("", True, "1 to 50")
    assert of("veryHighValue.maxAmountMinor").unit == "minor units"
    assert of("veryHighValue.maxAmountMinor").allowed.endswith("000,000 minor units")
    assert of("dormantCard.minSilenceD").unit == "days"
    assert of("rapidTransactions.minGapS").unit == "s"
    assert of("impossibleTravel.minDistanceKm").unit == "km"


@pytest.mark.parametrize("threshold", ALL, ids=lambda threshold: threshold.path)
def test_what_is_called_allowed_is_what_the_contract_takes(threshold: Threshold) -> None:
    step = 1 if threshold.is_whole else 1e-6
    inside = [
        threshold.default,
        threshold.lowest + (step if threshold.above else 0),
        threshold.highest - (step if threshold.below else 0),
    ]
    outside = [
        threshold.lowest - (0 if threshold.above else step),
        threshold.highest + (0 if threshold.below else step),
    ]
    for value in inside:
        parse(threshold, value)
    for value in outside:
        with pytest.raises(InvalidRecordError):
            parse(threshold, value)


def parse(threshold: Threshold, value: float) -> None:
    detector, _, field = threshold.path.partition(".")
    parse_detector_config(
        {
            "apiVersion": "cardwatch.dev/v1alpha1",
            "kind": "DetectorConfig",
            "metadata": {"name": "a"},
            "spec": {"detectors": {detector: {field: value}}},
        }
    )


def test_a_config_says_of_a_detector_what_it_is_held_against() -> None:
    spike, negative, pin = (
        next(each for each in all_settings() if each.detector == name)
        for name in ("amount_spike", "negative_amount", "pin_avoidance")
    )
    assert says(AmountSpikeConfig(factor=2.5), spike) == "factor 2.5, min transactions 5"
    assert says(AmountSpikeConfig(mode="Shadow"), spike) == (
        "on trial, factor 10, min transactions 5"
    )
    assert says(AmountSpikeConfig(mode="Off"), spike) == "off"
    assert says(NegativeAmountConfig(), negative) == "on"
    assert says(PinAvoidanceConfig(), pin) == (
        "pin free limit 10,000 minor units, margin 0.1, min transactions 3, window 600 s"
    )
