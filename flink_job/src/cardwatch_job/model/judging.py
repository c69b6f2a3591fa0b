"""A model as it judges by a config: threshold, findings, and what it has seen. Pure."""

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cardwatch_contracts.alert import Finding, FindingMode
from cardwatch_contracts.detector_config import Challenger, ConfigRecord
from cardwatch_contracts.model_stats import RISK_BINS, ModelStats, Role, SeenFeature
from cardwatch_job.model.budgets import threshold_for_budget
from cardwatch_job.model.combine import combined_risk
from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.scorer import Scorer

MODEL_DETECTORS: Final[tuple[Role, ...]] = ("model", "challenger")
"""What findings of models are called; in an alert they come after those of rules."""
_SAMPLED_EVERY: Final = 16
"""Of the payments scored, how many there are to one whose features are looked at for drift."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a model has seen and said since it was last asked."""

    scored: int = 0
    findings: int = 0
    risks: list[int] = field(default_factory=lambda: [0] * RISK_BINS)
    sampled: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0] * len(FEATURES))
    squares: list[float] = field(default_factory=lambda: [0.0] * len(FEATURES))

    def note(self, vector: "array[float]", risk: float, *, found: bool) -> None:
        """Count a payment."""
        self.scored += 1
        self.findings += found
        self.risks[min(int(risk * RISK_BINS), RISK_BINS - 1)] += 1
        if self.scored % _SAMPLED_EVERY == 1:
            self.sampled += 1
            for place, value in enumerate(vector):
                self.sums[place] += value
                self.squares[place] += value * value

    def add(
        self,
        scored: int,
        risks: Sequence[int],
        sampled: int,
        sums: Sequence[float],
        squares: Sequence[float],
    ) -> None:
        """Count payments that were looked at elsewhere, and that raised no finding."""
        self.scored += scored
        self.sampled += sampled
        self.risks = [one + more for one, more in zip(self.risks, risks, strict=True)]
        self.sums = [one + more for one, more in zip(self.sums, sums, strict=True)]
        self.squares = [one + more for one, more in zip(self.squares, squares, strict=True)]


@dataclass(slots=True, kw_only=True)
class Judging:
    """One model that judges by one config."""

    scorer: Scorer
    threshold: float
    """From this risk on there is a finding."""
    role: Role
    mode: FindingMode
    seen: Seen = field(default_factory=Seen)

    @classmethod
    def of(cls, scorer: Scorer, wanted: Challenger, role: Role, mode: FindingMode) -> "Judging":
        """Return a model with the threshold that a config asks for."""
        return cls(scorer=scorer, threshold=_threshold(scorer, wanted), role=role, mode=mode)

    def judge(self, vector: "array[float]", currency: str) -> tuple[float, Finding | None]:
        """Return the risk of a payment, and a finding where it reaches the threshold.

        Raises:
            ValueError: a feature is no finite number.
        """
        risk = self.scorer.risks(vector)[0]
        found = risk >= self.threshold
        self.seen.note(vector, risk, found=found)
        return risk, self._finding(vector, risk, currency) if found else None

    def combined(self, risk: float, rules: Iterable[str]) -> float:
        """Return the risk of a payment with what rules find taken into account."""
        return combined_risk(self.scorer.artefact, risk, rules)

    def _finding(self, vector: "array[float]", risk: float, currency: str) -> Finding:
        words = [reason.text for reason in self.scorer.reasons(vector, currency)]
        return Finding(
            detector=self.role,
            observed=risk,
            threshold=self.threshold,
            unit="risk",
            reason=f"risk {risk:.3f}: {'; '.join(words) or 'nothing in particular'}",
            counterfactual=f"no finding below a risk of {self.threshold:.3f}",
            mode=self.mode,
            model=self.scorer.artefact.hash,
        )


@dataclass(slots=True, kw_only=True)
class JudgingModels:
    """The models that judge by one generation of a config."""

    record: ConfigRecord
    judging: tuple[Judging, ...]
    """The model, then the challenger; empty where none is there yet."""
    refused: str
    """Why models that are asked for do not judge."""

    @classmethod
    def continued(
        cls,
        record: ConfigRecord,
        judging: tuple[Judging, ...],
        refused: str,
        before: "JudgingModels | None",
    ) -> "JudgingModels":
        """Return them with what the same ones have seen before."""
        seen = {} if before is None else before.seen_by_hash
        for each in judging:
            each.seen = seen.get((each.role, each.scorer.artefact.hash), each.seen)
        return cls(record=record, judging=judging, refused=refused)

    @property
    def seen_by_hash(self) -> dict[tuple[Role, str], Seen]:
        """What each has seen."""
        return {(each.role, each.scorer.artefact.hash): each.seen for each in self.judging}

    @property
    def hashes(self) -> dict[str, str]:
        """The hash of each model, by its role."""
        return {each.role: each.scorer.artefact.hash for each in self.judging}

    def take_stats(
        self, *, subtask: int, parallelism: int, begins_at: int, ends_at: int
    ) -> list[ModelStats]:
        """Return what each has seen since the last call."""
        stats = []
        for each in self.judging:
            seen, each.seen = each.seen, Seen()
            artefact = each.scorer.artefact
            stats.append(
                ModelStats(
                    config=self.record.name,
                    role=each.role,
                    model=artefact.name,
                    hash=artefact.hash,
                    subtask=subtask,
                    parallelism=parallelism,
                    begins_at=begins_at,
                    ends_at=ends_at,
                    scored=seen.scored,
                    findings=seen.findings,
                    risks=tuple(seen.risks),
                    trained_risks=artefact.trained_risks,
                    features=_features(each.scorer, seen),
                )
            )
        return stats


def _threshold(scorer: Scorer, wanted: Challenger) -> float:
    if wanted.alerts_per_thousand_cards is not None:
        return threshold_for_budget(scorer.artefact, wanted.alerts_per_thousand_cards)
    return scorer.artefact.threshold if wanted.threshold is None else wanted.threshold


def _features(scorer: Scorer, seen: Seen) -> dict[str, SeenFeature]:
    if not seen.sampled:
        return {}
    artefact = scorer.artefact
    return {
        name: SeenFeature(
            mean=_mean(seen.sums, name, seen.sampled),
            deviation=_deviation(seen, name),
            trained_mean=scale.mean,
            trained_deviation=scale.deviation,
        )
        for name, scale in zip(artefact.features, artefact.scales, strict=True)
    }


def _mean(sums: Sequence[float], name: str, count: int) -> float:
    return sums[FEATURES.index(name)] / count


def _deviation(seen: Seen, name: str) -> float:
    mean = _mean(seen.sums, name, seen.sampled)
    return math.sqrt(max(0.0, _mean(seen.squares, name, seen.sampled) - mean * mean))
