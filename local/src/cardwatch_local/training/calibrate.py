"""Raw scores into risks in [0, 1], and a threshold for a budget of alerts. Pure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_job.model.artefact import Calibration

_KNOTS: Final = 64
_LEAST: Final = 1e-6
"""Smallest step between two risks: no two different scores come out equal."""
_FEWEST_FRAUDS: Final = 10
_MOST_OVER: Final = 10
"""Times the budget that payments which share the highest risk may raise rather than none."""
Scores = NDArray[np.float64]


def calibrate(
    raw: Scores, fraudulent: NDArray[np.bool_] | None, bounds: tuple[float, float]
) -> Calibration:
    """Return how raw scores become risks.

    With enough known frauds by the share of frauds around each score, made to rise (isotonic
    regression by pooling adjacent violators, Ayer et al. 1955); else by rank.

    Args:
        raw: Scores of payments that the model was not fitted to.
        fraudulent: What these were; None where it is not known.
        bounds: Smallest and largest score that the model can give.
    """
    if fraudulent is not None and int(fraudulent.sum()) >= _FEWEST_FRAUDS:
        points, risks = _pooled(raw, fraudulent)
        return _rising(points, risks, bounds, source_is_labels=True)
    shares = np.linspace(0.0, 1.0, _KNOTS)[1:-1]
    return _rising(np.quantile(raw, shares), shares, bounds, source_is_labels=False)


def alerts_allowed(*, cards: int, days: float, per_thousand_cards_a_day: float) -> int:
    """Return how many alerts so many cards may raise in so many days."""
    return int(per_thousand_cards_a_day * cards / 1000 * days)


def threshold_for(risks: Scores, allowed: int) -> float:
    """Return the lowest threshold at which these risks raise no more than the alerts allowed.

    Payments that share the highest risk cannot be told apart. Where they alone are more than
    allowed, all of them alert, rather than none; but no more than ten times what is allowed.
    """
    if allowed >= len(risks):
        return 0.0
    ordered = np.sort(risks)[::-1]
    highest, first_too_many = float(ordered[0]), float(ordered[allowed])
    if first_too_many == highest and int((risks == highest).sum()) <= _MOST_OVER * allowed:
        return highest
    return min(1.0, float(np.nextafter(first_too_many, 2.0)))


def _pooled(raw: Scores, fraudulent: NDArray[np.bool_]) -> tuple[Scores, Scores]:
    """Return the mean score and the share of frauds of blocks in which the share rises."""
    order = np.argsort(raw, kind="stable")
    blocks: list[tuple[float, float, float]] = []  # payments, frauds, sum of scores
    for score, bad in zip(raw[order].tolist(), fraudulent[order].tolist(), strict=True):
        block = (1.0, float(bad), score)
        while blocks and blocks[-1][1] * block[0] >= block[1] * blocks[-1][0]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    sizes, frauds, sums = (np.array(part) for part in zip(*blocks, strict=True))
    return sums / sizes, frauds / sizes


def _rising(
    points: Scores, risks: Scores, bounds: tuple[float, float], *, source_is_labels: bool
) -> Calibration:
    """Return a calibration from the lowest possible score to the highest, rising throughout."""
    lowest, highest = bounds
    raw, risk = [lowest], [0.0]
    room = len(points) + 1
    for point, share in zip(points.tolist(), risks.tolist(), strict=True):
        wanted = min(max(share, risk[-1] + _LEAST), 1.0 - room * _LEAST)
        if raw[-1] < point < highest and wanted > risk[-1]:
            raw.append(point)
            risk.append(wanted)
        room -= 1
    if highest <= lowest:  # the model says the same of everything
        highest = lowest + 1.0
    raw.append(highest)
    risk.append(1.0)
    return Calibration(
        source="labels" if source_is_labels else "ranks", raw=tuple(raw), risk=tuple(risk)
    )
