"""From payments to a model: features by the job's code, trees, calibration, threshold, metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_contracts.model_stats import RISK_BINS
from cardwatch_job.model.artefact import Artefact, Budget, Kind, Scale, Training, seal
from cardwatch_job.model.budgets import BUDGETS
from cardwatch_job.model.features import FEATURES, WITHOUT_LABELS
from cardwatch_job.model.packed_trees import pack_trees
from cardwatch_job.model.scorer import quickest_trees
from cardwatch_job.model.trees import TreeArrays
from cardwatch_local.errors import StackError
from cardwatch_local.progress import StepListener
from cardwatch_local.training.calibrate import alerts_allowed, calibrate, threshold_for
from cardwatch_local.training.combining import fit_combination
from cardwatch_local.training.forests import fit
from cardwatch_local.training.measures import auc_roc, average_precision, card_precision
from cardwatch_local.training.payments import DAY_MS, FRAUDULENT, UNKNOWN, Payments
from cardwatch_local.training.replay import Replayed
from cardwatch_local.training.rules import RuleFindings
from cardwatch_local.training.scoring import vectors

REHEARSED: Final = 0.8
"""Share of the training days that a rehearsal learns from; it is measured on the rest."""
FOREST_FEATURES: Final = (
    "amount",
    "amount_deviations",
    "amount_times_usual",
    "merchant_frauds",
    "merchant_fraud_share_7d",
)
"""What an isolation forest looks at. Whatever else is unusual would be as suspicious to it."""
_FEWEST: Final = 100
_FEWEST_FRAUDS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be trained. Times in milliseconds since 1970-01-01 UTC."""

    name: str
    kind: Kind
    with_labels: bool = True
    """Whether features that are learned from feedback are among the model's."""
    begins_ms: int
    ends_ms: int
    """Exclusive."""
    known_until_ms: int
    label_delay_ms: int = 7 * DAY_MS
    """A payment that nobody objected to for so long counts as genuine."""
    alerts_per_thousand_cards_a_day: float = 5.0
    threshold: float | None = None
    """A risk, instead of the budget."""
    seed: int = 1

    @property
    def features(self) -> tuple[str, ...]:
        """What the model looks at: boosted trees choose for themselves, a forest cannot."""
        features = FEATURES if self.with_labels else WITHOUT_LABELS
        if self.kind == "boostedTrees":
            return features
        return tuple(name for name in features if name in FOREST_FEATURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Payments of the training window of which it is known what they were."""

    features: NDArray[np.float32]
    fraudulent: NDArray[np.bool_]
    event_time: NDArray[np.int64]
    user: NDArray[np.int64]
    """Users as numbers."""
    rules: RuleFindings | None = None
    """What rules say of the same payments; None where they were not asked."""

    def part(self, chosen: NDArray[np.bool_]) -> "Rows":
        """Return those chosen."""
        return Rows(
            features=self.features[chosen],
            fraudulent=self.fraudulent[chosen],
            event_time=self.event_time[chosen],
            user=self.user[chosen],
            rules=None if self.rules is None else self.rules.of(chosen),
        )


def window(payments: Payments, wanted: Wanted) -> NDArray[np.bool_]:
    """Return which payments the model is to learn from."""
    times = payments.event_time
    known = (payments.label != UNKNOWN) & (payments.known_at <= wanted.known_until_ms)
    unobjected = times <= wanted.known_until_ms - wanted.label_delay_ms
    usable = (times >= wanted.begins_ms) & (times < wanted.ends_ms) & (known | unobjected)
    chosen: NDArray[np.bool_] = usable
    return chosen


def rows_of(
    payments: Payments, replayed: Replayed, wanted: Wanted, rules: RuleFindings | None = None
) -> Rows:
    """Return the rows of the training window, as they were known by its end.

    `rules`: what rules say of all payments; None: the model is trained without them.

    Raises:
        StackError: there are too few, or no frauds where a model needs some.
    """
    chosen = window(payments, wanted)[replayed.rows]
    at = replayed.rows[chosen]
    known = payments.known_at[at] <= wanted.known_until_ms
    _, users = np.unique(payments.user_id[at], return_inverse=True)
    columns = [FEATURES.index(name) for name in wanted.features]
    rows = Rows(
        features=replayed.features[chosen][:, columns],
        fraudulent=(payments.label[at] == FRAUDULENT) & known,
        event_time=payments.event_time[at],
        user=users.astype(np.int64),
        rules=None if rules is None else rules.of(at),
    )
    frauds = int(rows.fraudulent.sum())
    if len(at) < _FEWEST:
        raise StackError(
            f"{len(at):,} payments to learn from: at least {_FEWEST} are needed; "
            "choose an earlier --begins or a later --ends"
        )
    if wanted.kind == "boostedTrees" and frauds < _FEWEST_FRAUDS:
        raise StackError(
            f"{frauds} known frauds to learn from: boosted trees need {_FEWEST_FRAUDS}; "
            "an isolation forest needs none: --kind isolation-forest"
        )
    return rows


def train(rows: Rows, wanted: Wanted, steps: StepListener) -> Artefact:
    """Fit a model to all rows; calibrate, set the threshold and measure by a rehearsal.

    The rehearsal is the same model, fitted to the first days alone and measured on the others.
    """
    steps.started("rehearse", None)
    early, late = _split(rows)
    rehearsal = fit(wanted.kind, early.features, early.fraudulent, wanted.seed)
    heard = raw_scores(rehearsal.trees, rehearsal.base, late.features)
    steps.finished("rehearse")
    steps.started("fit the model", None)
    fitted = fit(wanted.kind, rows.features, rows.fraudulent, wanted.seed)
    steps.finished("fit the model")
    lowest, highest = fitted.trees.bounds
    calibration = calibrate(
        heard,
        late.fraudulent if late.fraudulent.any() else None,
        (fitted.base + lowest, fitted.base + highest),
    )
    risks = np.interp(heard, calibration.raw, calibration.risk)
    metrics, threshold = {}, wanted.threshold
    if threshold is None:
        allowed = _allowed(late, wanted.alerts_per_thousand_cards_a_day)
        metrics, threshold = {"alerts_allowed": float(allowed)}, threshold_for(risks, allowed)
    return seal(
        Artefact(
            name=wanted.name,
            kind=wanted.kind,
            features=wanted.features,
            scales=_scales(rows.features),
            base=fitted.base,
            trees=pack_trees(fitted.trees),
            calibration=calibration,
            threshold=threshold,
            alerts_per_thousand_cards_a_day=(
                wanted.alerts_per_thousand_cards_a_day if wanted.threshold is None else None
            ),
            budgets=_budgets(late, risks),
            combination=fit_combination(risks, late.fraudulent, late.rules),
            trained_risks=_shares(risks),
            training=_training(rows, wanted),
            metrics=_metrics(late, risks, threshold) | metrics,
        )
    )


def raw_scores(
    trees: TreeArrays, base: float, features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the scores that the job's own scorer gives."""
    scorer = quickest_trees(trees, features=features.shape[1], base=base)
    return np.array(scorer.score_all(vectors(features)), np.float64)


def _split(rows: Rows) -> tuple[Rows, Rows]:
    """Return the first days and the others."""
    first, last = int(rows.event_time[0]), int(rows.event_time[-1])
    edge = rows.event_time < first + REHEARSED * (last - first)
    early, late = rows.part(edge), rows.part(~edge)
    if not len(early.event_time) or not len(late.event_time):
        raise StackError("all payments are of one moment: nothing is left to measure on")
    if early.fraudulent.all() or (rows.fraudulent.any() and not early.fraudulent.any()):
        raise StackError(
            f"no known fraud, or nothing else, in the first {REHEARSED:.0%} of the training days: "
            "choose an earlier --begins"
        )
    return early, late


def _allowed(late: Rows, per_thousand_cards_a_day: float) -> int:
    """Return how many alerts a budget allows in the rehearsal."""
    return alerts_allowed(
        cards=len(np.unique(late.user)),
        days=max(1.0, (int(late.event_time[-1]) - int(late.event_time[0])) / DAY_MS),
        per_thousand_cards_a_day=per_thousand_cards_a_day,
    )


def _budgets(late: Rows, risks: NDArray[np.float64]) -> tuple[Budget, ...]:
    """Return the threshold for each of `BUDGETS` that allows an alert; the more, the lower."""
    found: list[Budget] = []
    for budget in BUDGETS:
        allowed = _allowed(late, budget)
        if allowed:
            threshold = threshold_for(risks, allowed)
            least = min([threshold, *(each.threshold for each in found[-1:])])
            found.append(Budget(alerts_per_thousand_cards=budget, threshold=least))
    return tuple(found)


def _shares(risks: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the shares of risks in `RISK_BINS` equal parts of [0, 1]."""
    places = np.minimum((risks * RISK_BINS).astype(np.int64), RISK_BINS - 1)
    counts: Sequence[int] = np.bincount(places, minlength=RISK_BINS).tolist()
    return tuple(count / len(risks) for count in counts)


def _metrics(late: Rows, risks: NDArray[np.float64], threshold: float) -> dict[str, float]:
    frauds = int(late.fraudulent.sum())
    alerts = risks >= threshold
    metrics = {
        "transactions": float(len(risks)),
        "frauds": float(frauds),
        "alerts": float(alerts.sum()),
    }
    if 0 < frauds < len(risks):
        caught = int((alerts & late.fraudulent).sum())
        metrics |= {
            "auc_roc": auc_roc(late.fraudulent, risks),
            "average_precision": average_precision(late.fraudulent, risks),
            "card_precision_100": card_precision(
                late.event_time // DAY_MS, late.user, late.fraudulent, risks
            ),
            "recall": caught / frauds,
            "precision": caught / max(1, int(alerts.sum())),
        }
    return metrics


def _scales(features: NDArray[np.float32]) -> tuple[Scale, ...]:
    means: Sequence[float] = features.mean(axis=0, dtype=np.float64).tolist()
    deviations: Sequence[float] = features.std(axis=0, dtype=np.float64).tolist()
    return tuple(
        Scale(mean=mean, deviation=deviation)
        for mean, deviation in zip(means, deviations, strict=True)
    )


def _training(rows: Rows, wanted: Wanted) -> Training:
    return Training(
        begins_ms=wanted.begins_ms,
        ends_ms=wanted.ends_ms,
        known_until_ms=wanted.known_until_ms,
        transactions=len(rows.event_time),
        frauds=int(rows.fraudulent.sum()),
        users=len(np.unique(rows.user)),
        seed=wanted.seed,
    )
