"""The detectors. Pure: no Flink, no Kafka, no clock.

A new detector is a file here, a line in `DETECTORS` and its settings in
`cardwatch_contracts.detector_config.Detectors`. It is quick once `Thresholds` and `_is_silent` in
`cardwatch_job/screen.pyx` know when it is sure to stay silent; until then every transaction of a
config that has it is looked at in Python.
"""

from typing import Any, Final

from cardwatch_contracts.detector_config import Detectors
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors.amount_spike import AmountSpike
from cardwatch_job.detectors.dormant_card import DormantCard
from cardwatch_job.detectors.history import CardState, History, UserState
from cardwatch_job.detectors.impossible_travel import ImpossibleTravel
from cardwatch_job.detectors.limit_exceeded import LimitExceeded
from cardwatch_job.detectors.many_no_pin import ManyNoPin
from cardwatch_job.detectors.multi_card_distance import MultiCardDistance
from cardwatch_job.detectors.negative_amount import NegativeAmount
from cardwatch_job.detectors.pin_avoidance import PinAvoidance
from cardwatch_job.detectors.rapid_transactions import RapidTransactions
from cardwatch_job.detectors.unusual_location import UnusualLocation
from cardwatch_job.detectors.very_high_value import VeryHighValue

__all__ = [
    "DETECTORS",
    "CardState",
    "Detector",
    "History",
    "UserState",
    "build_detectors",
]

DETECTORS: Final[tuple[type[Detector[Any]], ...]] = (
    AmountSpike,
    NegativeAmount,
    LimitExceeded,
    VeryHighValue,
    ImpossibleTravel,
    RapidTransactions,
    PinAvoidance,
    ManyNoPin,
    DormantCard,
    MultiCardDistance,
    UnusualLocation,
)
"""Every detector, in the order in which an alert lists its findings."""


def build_detectors(settings: Detectors) -> tuple[Detector[Any], ...]:
    """Build the detectors that look, active and shadow; those that are off are left out."""
    configs = ((detector, getattr(settings, detector.name)) for detector in DETECTORS)
    return tuple(detector(config) for detector, config in configs if config.mode != "Off")
