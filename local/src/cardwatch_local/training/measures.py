"""How well scores tell fraudulent from genuine. Pure."""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Ints = NDArray[np.int64]


def auc_roc(fraudulent: NDArray[np.bool_], scores: Scores) -> float:
    """Return the area under the ROC curve: how often a fraud scores above a genuine payment.

    Ties count half (Mann and Whitney 1947). NaN where one of the two is missing.
    """
    frauds = int(fraudulent.sum())
    genuine = len(fraudulent) - frauds
    if not frauds or not genuine:
        return float("nan")
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[places]
    return float((ranks[fraudulent].sum() - frauds * (frauds + 1) / 2) / (frauds * genuine))


def average_precision(fraudulent: NDArray[np.bool_], scores: Scores) -> float:
    """Return precision at each threshold, weighted by the recall it adds; NaN without a fraud."""
    frauds = int(fraudulent.sum())
    if not frauds:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(fraudulent[order])
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    precision = found[ends] / (ends + 1)
    recall = np.append(0, found[ends]) / frauds
    return float((precision * np.diff(recall)).sum())


def card_precision(
    days: Ints, cards: Ints, fraudulent: NDArray[np.bool_], scores: Scores, *, top: int = 100
) -> float:
    """Return the mean share of compromised cards among the `top` of each day.

    A card scores what its highest payment of the day does; one that was found compromised is left
    out on later days (Le Borgne et al., Fraud Detection Handbook, chapter 4.4).
    """
    found: set[int] = set()
    precisions = []
    for day in np.unique(days):
        today = days == day
        compromised: dict[int, bool] = {}
        highest: dict[int, float] = {}
        rows = zip(
            cards[today].tolist(), fraudulent[today].tolist(), scores[today].tolist(), strict=True
        )
        for card, bad, score in rows:
            if card not in found:
                compromised[card] = compromised.get(card, False) or bad
                highest[card] = max(highest.get(card, -np.inf), score)
        first = sorted(highest, key=lambda card: -highest[card])[:top]
        caught = {card for card in first if compromised[card]}
        found |= caught
        precisions.append(len(caught) / top)
    return float(np.mean(precisions)) if precisions else float("nan")
