"""What models see and say, for tests."""

from typing import Any, Final

from tests.unit.transactions import NOON_MS

from cardwatch_contracts.model_stats import RISK_BINS, ModelStats, SeenFeature
from cardwatch_visualizer.live.model_shapes import ModelSeen

HASH: Final = "ab12cd3" + 57 * "0"
OTHER: Final = "ffee112" + 57 * "0"
TRAINED: Final = (0.9, 0.05, *([0.0] * (RISK_BINS - 3)), 0.05)
"""Shares: most risks are low."""


def bins(*counts: float) -> tuple[Any, ...]:
    """Return counts, the first bins' first; the others are empty."""
    return (*counts, *([0] * (RISK_BINS - len(counts))))


def a_feature(mean: float = 50.0, deviation: float = 10.0, **of: float) -> SeenFeature:
    return SeenFeature(
        **({"mean": mean, "deviation": deviation, "trained_mean": 40, "trained_deviation": 20} | of)
    )


def said(**of: Any) -> ModelStats:
    """One window of ten seconds of one subtask."""
    given: dict[str, Any] = {
        "config": "strict",
        "role": "model",
        "model": "july",
        "hash": HASH,
        "subtask": 0,
        "parallelism": 2,
        "begins_at": NOON_MS - 10_000,
        "ends_at": NOON_MS,
        "scored": 100,
        "findings": 1,
        "risks": bins(90, 10),
        "trained_risks": TRAINED,
        "features": {"amount": a_feature()},
    }
    return ModelStats(**(given | of))


def seen(**of: Any) -> ModelSeen:
    """What a version has seen in half an hour."""
    given: dict[str, Any] = {
        "config": "strict",
        "role": "model",
        "model": "july",
        "hash": HASH,
        "begins_at": NOON_MS - 1_800_000,
        "ends_at": NOON_MS,
        "scored": 2_000,
        "findings": 4,
        "scored_per_min": 70.0,
        "findings_per_min": 0.1,
        "risks": (1_800, 100, *([0] * (RISK_BINS - 3)), 100),
        "trained_risks": TRAINED,
        "features": {"amount": a_feature()},
        "subtasks": 2,
        "parallelism": 2,
    }
    return ModelSeen(**(given | of))
