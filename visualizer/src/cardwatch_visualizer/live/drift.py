"""How far what a model sees and says now is from what it saw and said in training. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log, log2
from typing import Final, Literal

from cardwatch_contracts.model_stats import RISK_BINS, SeenFeature
from cardwatch_visualizer.live.model_shapes import ModelSeen

Verdict = Literal["stable", "moderate", "drifted", "unknown"]

MIN_SCORED: Final = 1_000
"""Transactions on which a verdict stands. Of n transactions without any drift the index is
(bins - 1) / n on average, 0.019 here (Yurdakul and Naranjo, Statistical properties of the
population stability index, Journal of Risk Model Validation 14(4), 2020)."""
MODERATE: Final = 0.1
DRIFTED: Final = 0.25
"""The usual reading: below 0.1 stable, above 0.25 another population (Siddiqi, Credit Risk
Scorecards, Wiley 2006)."""
_LEAST_SHARE: Final = 1e-4
"""Of a bin: an empty one would make the index infinite."""
MOVED: Final = 0.5
"""A feature whose mean has moved by so many training deviations, or more, is worth a word."""
_NARROWEST: Final = 1 / 16
"""Of a feature that has become constant, beside its spread in training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMove:
    """How far one feature is from its training."""

    name: str
    seen: SeenFeature
    shift: float | None
    """Of the mean, in standard deviations of training; None: training had none."""
    spread: float | None
    """Standard deviation by that of training; None: training had none."""

    @property
    def size(self) -> float:
        """How far it has moved: a deviation of the mean weighs as much as twice the spread."""
        if self.shift is None or self.spread is None:
            return float("inf") if self.seen.mean != self.seen.trained_mean else 0.0
        return max(abs(self.shift), abs(log2(max(self.spread, _NARROWEST))))

    @property
    def has_moved(self) -> bool:
        """Whether the mean has moved by `MOVED`, or the spread is half or twice what it was."""
        return self.size >= 1 or (self.shift is not None and abs(self.shift) >= MOVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far a model is from its training."""

    psi: float | None
    """Population stability index of the risks; None: on too few transactions, or not known."""
    verdict: Verdict
    moves: tuple[FeatureMove, ...]
    """Those that moved most first; none before there are `MIN_SCORED` transactions."""

    @property
    def largest_shift(self) -> float | None:
        """The largest shift of a mean, in standard deviations of training; None: not known."""
        return max((abs(m.shift) for m in self.moves if m.shift is not None), default=None)


def drift_of(seen: ModelSeen) -> Drift:
    """Return how far a model is from its training."""
    if seen.scored < MIN_SCORED:
        return Drift(psi=None, verdict="unknown", moves=())
    psi = stability(seen.risks, seen.trained_risks) if any(seen.trained_risks) else None
    return Drift(psi=psi, verdict=verdict_of(psi), moves=moves_of(seen.features))


def stability(now: Sequence[float], trained: Sequence[float]) -> float:
    """Return the population stability index: sum of (a - e) ln(a / e) over all bins.

    a and e are the shares of a bin, now and in training; 0 where both are alike. It is the
    symmetrised Kullback-Leibler divergence.

    Args:
        now: counts or shares, by bin.
        trained: the same in training.

    Raises:
        ValueError: they have not as many bins, or nothing in them.
    """
    if len(now) != len(trained):
        raise ValueError(f"{len(now)} bins against {len(trained)}")
    if sum(now) <= 0 or sum(trained) <= 0:
        raise ValueError("nothing in any bin")
    pairs = zip(_shares(now), _shares(trained), strict=True)
    return sum((a - e) * log(a / e) for a, e in pairs)


def verdict_of(psi: float | None) -> Verdict:
    """Read a population stability index as it is usual."""
    if psi is None:
        return "unknown"
    if psi < MODERATE:
        return "stable"
    return "moderate" if psi <= DRIFTED else "drifted"


def moves_of(features: Mapping[str, SeenFeature]) -> tuple[FeatureMove, ...]:
    """Return how far each feature has moved, the one that moved most first."""
    moves = (_move(name, each) for name, each in features.items())
    return tuple(sorted(moves, key=lambda move: (-move.size, move.name)))


def share_from(counts: Sequence[float], risk: float) -> float:
    """Return the share of the transactions whose risk is at least this, a bin's lower edge."""
    total = sum(counts)
    return sum(counts[round(risk * RISK_BINS) :]) / total if total else 0.0


def _shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [max(each / total, _LEAST_SHARE) for each in counts]


def _move(name: str, seen: SeenFeature) -> FeatureMove:
    if seen.trained_deviation <= 0:
        return FeatureMove(name=name, seen=seen, shift=None, spread=None)
    shift = (seen.mean - seen.trained_mean) / seen.trained_deviation
    spread = seen.deviation / seen.trained_deviation
    if not isfinite(shift) or not isfinite(spread):
        return FeatureMove(name=name, seen=seen, shift=None, spread=None)
    return FeatureMove(name=name, seen=seen, shift=shift, spread=spread)
