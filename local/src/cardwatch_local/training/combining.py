"""How a model's risk and rules' findings become one risk: weights fitted in the rehearsal. Pure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_job.model.artefact import Combination
from cardwatch_job.model.combine import log_odds
from cardwatch_local.training.rules import RuleFindings

_FEWEST_FRAUDS: Final = 20
"""Known frauds in the rehearsal below which nothing is fitted."""
_FEWEST_FINDINGS: Final = 5
"""Findings of a rule below which its weight is not fitted."""
_RIDGE: Final = 1.0
"""Pull of a rule's weight towards 0: a single finding that was right is no certainty."""
_ROUNDS: Final = 100
_CLOSE: Final = 1e-8

Floats = NDArray[np.float64]


def fit_combination(
    risks: Floats, fraudulent: NDArray[np.bool_], rules: RuleFindings | None
) -> Combination | None:
    """Fit a logistic regression over the risk's log-odds and each rule's finding.

    Weights are at least 0. A rule that objected less than five times is left out: a finding of it
    has no weight, which `combined_risk` treats as unknown.

    Args:
        risks: the model's, of payments it was not fitted to.
        fraudulent: what these were.
        rules: what rules say of the same; None: they were not asked.

    Returns:
        None where rules were not asked, or fewer than 20 frauds are known.
    """
    if rules is None or fraudulent.sum() < _FEWEST_FRAUDS or fraudulent.all():
        return None
    tried = np.flatnonzero(rules.found.sum(axis=0) >= _FEWEST_FINDINGS)
    odds = np.array([log_odds(risk) for risk in risks.tolist()])
    inputs = np.column_stack([np.ones(len(odds)), odds, rules.found[:, tried]])
    start = np.array([0.0, 1.0] + [0.0] * len(tried))
    ridge = np.array([0.0, 0.0] + [_RIDGE] * len(tried))
    bias, model, *weights = _fitted(inputs, fraudulent, start, ridge).tolist()
    return Combination(
        bias=bias,
        model=model,
        detectors={rules.rules[at]: weight for at, weight in zip(tried, weights, strict=True)},
    )


def _fitted(inputs: Floats, bad: NDArray[np.bool_], weights: Floats, ridge: Floats) -> Floats:
    """Return the weights of least loss, all but the first at least 0.

    Newton's method, one weight after another, each step cut off at the bound; the loss is convex.
    """
    weights = weights.copy()
    score = inputs @ weights
    for _ in range(_ROUNDS):
        moved = 0.0
        for at in range(len(weights)):
            chance = 1.0 / (1.0 + np.exp(-np.clip(score, -30.0, 30.0)))
            column = inputs[:, at]
            slope = float(column @ (chance - bad)) + ridge[at] * weights[at]
            bend = float((column * column) @ (chance * (1.0 - chance))) + ridge[at]
            step = np.clip(-slope / max(bend, 1e-12), -1.0, 1.0)
            if at:
                step = max(step, -weights[at])
            weights[at] += step
            score += step * column
            moved = max(moved, abs(step))
        if moved < _CLOSE:
            break
    return weights
