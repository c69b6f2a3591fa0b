"""The threshold for a budget of alerts, by what a model raised in its rehearsal. Pure."""

import math
from typing import Final

from cardwatch_job.model.artefact import Artefact

BUDGETS: Final = (0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0)
"""Alerts per thousand cards a day for which a rehearsal says the threshold."""


def threshold_for_budget(artefact: Artefact, alerts_per_thousand: float) -> float:
    """Return the risk from which on there is a finding, to keep to a budget.

    Between two budgets of the artefact it lies on the straight line over the budget's logarithm.
    A budget below the least or above the largest has that one's threshold. An artefact without
    budgets has but its own threshold.

    Args:
        artefact: the model.
        alerts_per_thousand: alerts per thousand cards a day, over 0.
    """
    budgets = artefact.budgets
    if not budgets:
        return artefact.threshold
    if alerts_per_thousand <= budgets[0].alerts_per_thousand_cards:
        return budgets[0].threshold
    for less, more in zip(budgets, budgets[1:], strict=False):
        if alerts_per_thousand <= more.alerts_per_thousand_cards:
            low, high = less.alerts_per_thousand_cards, more.alerts_per_thousand_cards
            share = math.log(alerts_per_thousand / low) / math.log(high / low)
            return less.threshold + share * (more.threshold - less.threshold)
    return budgets[-1].threshold
