"""A model over a stream of payments, as the job would do it: score, alert, then learn."""

from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_job.model.artefact import Artefact
from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.scorer import Reason, Scorer
from cardwatch_local.progress import StepListener
from cardwatch_local.training.payments import Payments
from cardwatch_local.training.replay import replay
from cardwatch_local.training.scoring import risks_of, vectors

_DRIFTED: Final = 0.5
"""Shift of a feature's mean that is worth telling. Standard deviations of training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a model says of payments."""

    scorer: Scorer
    features: NDArray[np.float32]
    risks: NDArray[np.float64]

    def riskiest(self, limit: int) -> list[int]:
        """Return the payments with the highest risks, the highest first."""
        rows: list[int] = np.argsort(-self.risks, kind="stable")[:limit].tolist()
        return rows

    def reasons(self, row: int, currency: str) -> tuple[Reason, ...]:
        """Return why a payment is risky."""
        return self.scorer.reasons(vectors(self.features[row]), currency)


def judge(artefact: Artefact, payments: Payments, steps: StepListener) -> Judged:
    """Score every payment by what was known before it."""
    scorer = Scorer(artefact)

    def alerts(features: "array[float]") -> bool:
        return scorer.risks(features)[0] >= artefact.threshold

    wanted = np.ones(len(payments), bool)
    replayed = replay(payments, wanted, alerts=alerts, steps=steps)
    return Judged(
        scorer=scorer, features=replayed.features, risks=risks_of(artefact, replayed.features)
    )


def drifted(artefact: Artefact, features: NDArray[np.float32]) -> list[tuple[str, float]]:
    """Return the features whose mean has moved away from training, with how far."""
    found = []
    for name, scale in zip(artefact.features, artefact.scales, strict=True):
        mean = float(features[:, FEATURES.index(name)].mean(dtype=np.float64))
        if scale.deviation > 0 and abs(mean - scale.mean) >= _DRIFTED * scale.deviation:
            found.append((name, (mean - scale.mean) / scale.deviation))
    return found
