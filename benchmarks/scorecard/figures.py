"""From what the job said to figures. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_local.training.scorecard import MEASURES, ScoredWeek

Scores = NDArray[np.float64]
_NORMAL: Final = 1.959964
"""95 % of a normal distribution lie so many standard deviations around its mean."""
SAME: Final = 1e-6
"""Risks that differ by no more are the same; they travel as decimal text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What one model with one seed reached in the running job."""

    entrant: str
    seed: int | None
    """None: nothing is drawn."""
    figures: tuple[float, float, float]
    """In the order of `MEASURES`."""
    hash: str | None = None
    skew: "Skew | None" = None

    def as_json(self) -> dict[str, Any]:
        """Return it for a report."""
        skew = self.skew.as_json() if self.skew else None
        figures = dict(zip(MEASURES, self.figures, strict=True))
        return {"model": self.entrant, "seed": self.seed, "hash": self.hash, **figures} | {
            "against_replay": skew
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """How the job's risks differ from those of a replay outside of it, payment by payment."""

    payments: int
    different: int
    """By more than `SAME`."""
    unexplained: int
    """Those of users to whose payments no rule objected: what alerts teaches no habit until a label
    says genuine, which the replay, without rules, does not know."""
    largest: float
    figures: tuple[float, float, float]
    """What the replay's risks reach."""

    def as_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {
            "payments": self.payments,
            "different": self.different,
            "unexplained": self.unexplained,
            "largest": self.largest,
            **dict(zip(MEASURES, self.figures, strict=True)),
        }


def skew_of(week: ScoredWeek, job: Scores, replayed: Scores, by_rules: NDArray[np.bool_]) -> Skew:
    """Compare the risks of the scored week; `by_rules` are payments to which a rule objected."""
    apart = np.abs(job - replayed)
    explained = np.isin(week.users, week.users[by_rules])
    return Skew(
        payments=len(apart),
        different=int((apart > SAME).sum()),
        unexplained=int(((apart > SAME) & ~explained).sum()),
        largest=float(apart.max()),
        figures=week.figures(replayed),
    )


def summary_of(reached: Sequence[Reached]) -> dict[str, Any]:
    """Return each model's means over its seeds, and the spreads: the largest less the least.

    One seed has no spread: None.
    """
    found: dict[str, Any] = {}
    for name in dict.fromkeys(each.entrant for each in reached):
        own = [each for each in reached if each.entrant == name]
        columns = dict(
            zip(MEASURES, zip(*(each.figures for each in own), strict=True), strict=True)
        )
        found[name] = {measure: float(np.mean(values)) for measure, values in columns.items()} | {
            "spread": {
                measure: max(values) - min(values) if len(values) > 1 else None
                for measure, values in columns.items()
            },
            "seeds": [each.seed for each in own],
        }
    return found


def wilson(part: int, whole: int) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of a share (Wilson 1927); None of nothing."""
    if not whole:
        return None
    share, spread = part / whole, _NORMAL**2 / whole
    middle = share + spread / 2
    half = _NORMAL * math.sqrt(share * (1 - share) / whole + spread / (4 * whole))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of things that were counted."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """None of nothing."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies with 95 % confidence."""
        return wilson(self.part, self.whole)

    def __str__(self) -> str:
        if self.value is None or self.interval is None:
            return "none"
        lowest, highest = self.interval
        return f"{self.value:.3f} [{lowest:.3f} to {highest:.3f}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """How well one detector did on labelled payments."""

    precision: Share
    """Of its findings those on payments of any scenario."""
    recall: Share
    """Of the payments of its own scenario those that it found; of a model: of all scenarios."""
    own: Share
    """Of its findings those on payments of its own scenario."""

    def as_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {
            "precision": self.precision.value,
            "precision_interval": self.precision.interval,
            "recall": self.recall.value,
            "recall_interval": self.recall.interval,
            "own_precision": self.own.value,
            "own_precision_interval": self.own.interval,
            "findings": self.precision.whole,
            "labelled": self.recall.whole,
        }
