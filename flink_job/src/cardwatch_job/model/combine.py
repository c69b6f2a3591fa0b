"""A model's risk and what rules find, taken together as one risk in [0, 1]. Pure."""

import math
from collections.abc import Iterable
from typing import Final

from cardwatch_job.model.artefact import Artefact

_EDGE: Final = 1e-6
"""How close to 0 and 1 a risk is taken to be at most; log-odds are finite then."""


def log_odds(risk: float) -> float:
    """Return a risk's log-odds; those of 0 and 1 are finite."""
    inside = min(max(risk, _EDGE), 1.0 - _EDGE)
    return math.log(inside / (1.0 - inside))


def combined_risk(artefact: Artefact, risk: float, detectors: Iterable[str]) -> float:
    """Return the risk of a payment with the findings of rules.

    By the artefact's combination where it has one: the logistic function of its bias, its weight
    times the risk's log-odds, and the weight of each detector that objects (weights are at least
    0, so that a finding never lowers the risk). A detector that the combination does not know,
    and without a combination any, lifts the risk to the model's own threshold, and no further:
    a rule's finding counts as the least that the model would object to.

    Args:
        artefact: the model.
        risk: what the model says, in [0, 1].
        detectors: names of the rules that object, each once.
    """
    combination = artefact.combination
    least = 0.0
    weights = {} if combination is None else combination.detectors
    added = 0.0
    for detector in detectors:
        weight = weights.get(detector)
        if weight is None:
            least = artefact.threshold
        else:
            added += weight
    if combination is not None:
        score = combination.bias + combination.model * log_odds(risk) + added
        risk = 1.0 / (1.0 + math.exp(-score)) if score > -700 else 0.0
    return min(1.0, max(risk, least))
