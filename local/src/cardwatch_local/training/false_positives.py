"""What it costs to find frauds: false positives and alerts at a share of them found. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RECALLS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Shares of the frauds that are found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What was scored: payments of so many cards in so many days."""

    fraudulent: NDArray[np.bool_]
    cards: int
    days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One place on the curve."""

    recall: float
    """Share of the frauds found; at least what was asked for, more where scores are alike."""
    false_positives_a_day: float
    alerts_per_thousand_cards_a_day: float

    def as_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def points_at(
    stretch: Stretch, scores: NDArray[np.float64], recalls: Sequence[float] = RECALLS
) -> list[Point | None]:
    """Return the least that finds each share of the frauds.

    A payment alerts from a threshold on, so those that score alike alert together, or none of them
    does. Scores of 0 and below never alert: None where a share cannot be reached so.

    Raises:
        ValueError: there is no fraud, or a recall is not over 0 and at most 1.
    """
    if not stretch.fraudulent.any():
        raise ValueError("no fraud to be found")
    if not all(0 < recall <= 1 for recall in recalls):
        raise ValueError("Expected recalls over 0, at most 1")
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0]
    found = np.cumsum(stretch.fraudulent[order])
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    points: list[Point | None] = []
    for recall in recalls:
        wanted = recall * int(stretch.fraudulent.sum())
        enough = ends[found[ends] >= wanted - 1e-9]
        points.append(
            _point(stretch, int(found[enough[0]]), int(enough[0]) + 1) if len(enough) else None
        )
    return points


def point_of(stretch: Stretch, alerts: NDArray[np.bool_]) -> Point:
    """Return where these alerts are."""
    return _point(stretch, int((alerts & stretch.fraudulent).sum()), int(alerts.sum()))


def _point(stretch: Stretch, found: int, alerts: int) -> Point:
    return Point(
        recall=found / int(stretch.fraudulent.sum()),
        false_positives_a_day=(alerts - found) / stretch.days,
        alerts_per_thousand_cards_a_day=alerts / stretch.days / stretch.cards * 1000,
    )
