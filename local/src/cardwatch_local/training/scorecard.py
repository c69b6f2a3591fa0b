"""The scorecard: models on the handbook's stream, measured by the protocol of its chapter 3.

A model is trained on seven days from 2018-07-25, labels become known after seven days, and the
seven days after that are scored. Features are those of the job, in event time, with labels heard
when they become known; models and scores are the job's own code. It is a replay outside of the job.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_job.model.artefact import Artefact, Kind
from cardwatch_job.model.features import FEATURES
from cardwatch_local.errors import StackError
from cardwatch_local.progress import SilentListener, StepListener
from cardwatch_local.training.false_positives import Stretch
from cardwatch_local.training.measures import auc_roc, average_precision, card_precision
from cardwatch_local.training.payments import DAY_MS, FRAUDULENT, Payments
from cardwatch_local.training.replay import Replayed, replay
from cardwatch_local.training.rules import RuleFindings
from cardwatch_local.training.scoring import risks_of
from cardwatch_local.training.train import Wanted, rows_of, train

_WEEK_MS: Final = 7 * DAY_MS
LABEL_DELAY_MS: Final = _WEEK_MS
TRAIN_BEGINS_MS: Final = int(datetime(2018, 7, 25, tzinfo=UTC).timestamp() * 1000)
TRAIN_ENDS_MS: Final = TRAIN_BEGINS_MS + _WEEK_MS
TEST_BEGINS_MS: Final = TRAIN_ENDS_MS + LABEL_DELAY_MS
TEST_ENDS_MS: Final = TEST_BEGINS_MS + _WEEK_MS
_LONG_BEGINS_MS: Final = TRAIN_ENDS_MS - 8 * _WEEK_MS
"""Where the longest training begins."""

PUBLISHED: Final[Mapping[str, tuple[float, float, float]]] = {
    "logistic regression": (0.871, 0.606, 0.291),
    "decision tree, depth 2": (0.763, 0.496, 0.241),
    "random forest": (0.867, 0.658, 0.287),
    "XGBoost": (0.862, 0.639, 0.273),
    "best tuned": (0.879, 0.687, 0.305),
}
"""AUC ROC, average precision, card precision@100 (Le Borgne et al., chapters 3 and following)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A model that is measured."""

    name: str
    kind: Kind
    with_labels: bool
    begins_ms: int = TRAIN_BEGINS_MS
    only: tuple[str, ...] | None = None
    """The features that it may look at; None: all of its kind."""


NOT_OF_USERS: Final = tuple(
    name
    for name in FEATURES
    if name in ("amount", "night", "weekend")
    or (name.startswith("merchant_") and name != "merchant_visits")
)
"""What a model without memories of users can look at."""
ENTRANTS: Final = (
    Entrant(name="forest", kind="isolationForest", with_labels=False),
    Entrant(name="boosted", kind="boostedTrees", with_labels=False),
    Entrant(name="forest-feedback", kind="isolationForest", with_labels=True),
    Entrant(name="boosted-feedback", kind="boostedTrees", with_labels=True),
    Entrant(
        name="boosted-feedback-8w",
        kind="boostedTrees",
        with_labels=True,
        begins_ms=_LONG_BEGINS_MS,
    ),
)
"""With and without features that are learned from feedback; the last on eight weeks."""
WITHOUT_USERS: Final = Entrant(
    name="boosted-feedback-no-users", kind="boostedTrees", with_labels=True, only=NOT_OF_USERS
)
"""What memories of users are held against."""


MEASURES: Final = ("auc_roc", "average_precision", "card_precision_100")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one model with one seed reached."""

    entrant: str
    seed: int
    auc_roc: float
    average_precision: float
    card_precision_100: float
    artefact: Artefact
    risks: NDArray[np.float64]
    """Of the payments that were scored."""

    def values(self) -> tuple[float, ...]:
        """Return the figures in the order of `MEASURES`."""
        return tuple(getattr(self, each) for each in MEASURES)

    def as_json(self) -> dict[str, Any]:
        """Return them for a report, with the hash of the model."""
        figures = dict(zip(MEASURES, self.values(), strict=True))
        return {"model": self.entrant, "seed": self.seed, "hash": self.artefact.hash, **figures}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredWeek:
    """What is scored: payments of cards that were not yet known to be compromised."""

    rows: NDArray[np.int64]
    days: NDArray[np.int64]
    users: NDArray[np.int64]
    fraudulent: NDArray[np.bool_]

    @property
    def stretch(self) -> Stretch:
        """Return it for the curve of false positives."""
        return Stretch(
            fraudulent=self.fraudulent,
            cards=len(np.unique(self.users)),
            days=float(len(np.unique(self.days))),
        )

    def figures(self, scores: NDArray[np.float64]) -> tuple[float, float, float]:
        """Return the three measures."""
        return (
            auc_roc(self.fraudulent, scores),
            average_precision(self.fraudulent, scores),
            card_precision(self.days, self.users, self.fraudulent, scores),
        )


def scored_week(payments: Payments) -> ScoredWeek:
    """Return the payments of the test week, as the protocol has them.

    On each day those users are left out who were compromised in the training week or later, up to
    eight days before.

    Raises:
        StackError: there are none.
    """
    days = payments.event_time // DAY_MS
    _, users = np.unique(payments.user_id, return_inverse=True)
    bad = payments.label == FRAUDULENT
    chosen = []
    for day in range(TEST_BEGINS_MS // DAY_MS, TEST_ENDS_MS // DAY_MS):
        until = max(TRAIN_ENDS_MS // DAY_MS, day - 7)
        known = users[bad & (days >= TRAIN_BEGINS_MS // DAY_MS) & (days < until)]
        chosen.append(np.flatnonzero((days == day) & ~np.isin(users, known)))
    rows = np.concatenate(chosen)
    if not len(rows) or not bad[rows].any():
        raise StackError(
            "the stream has no frauds from 2018-08-08 to 2018-08-14: not the handbook's"
        )
    return ScoredWeek(rows=rows, days=days[rows], users=users[rows], fraudulent=bad[rows])


def look(payments: Payments, steps: StepListener) -> Replayed:
    """Work out the features of all that is trained on or scored."""
    times = payments.event_time
    wanted = (times >= _LONG_BEGINS_MS) & (times < TEST_ENDS_MS)
    return replay(payments.where(times < TEST_ENDS_MS), wanted[times < TEST_ENDS_MS], steps=steps)


def measure(
    payments: Payments,
    replayed: Replayed,
    seeds: Sequence[int],
    entrants: Sequence[Entrant] = ENTRANTS,
    *,
    rules: RuleFindings | None = None,
) -> Iterator[Measured]:
    """Train and measure each model with each seed.

    `rules`: what rules say of all payments up to the end of the test week; None: nothing is
    combined with them.
    """
    week = scored_week(payments)
    features = replayed.features[np.searchsorted(replayed.rows, week.rows)]
    for entrant in entrants:
        for seed in seeds:
            wanted = Wanted(
                name=entrant.name,
                kind=entrant.kind,
                with_labels=entrant.with_labels,
                begins_ms=entrant.begins_ms,
                ends_ms=TRAIN_ENDS_MS,
                known_until_ms=TEST_BEGINS_MS,
                only=entrant.only,
                seed=seed,
            )
            artefact = train(rows_of(payments, replayed, wanted, rules), wanted, SilentListener())
            risks = risks_of(artefact, features)
            reached = week.figures(risks)
            yield Measured(
                entrant=entrant.name,
                seed=seed,
                artefact=artefact,
                risks=risks,
                **dict(zip(MEASURES, reached, strict=True)),
            )


def summary(figures: Sequence[Measured]) -> dict[str, Any]:
    """Return each model's means over its seeds, and the spreads: the largest less the least.

    One seed has no spread: None.
    """
    found: dict[str, Any] = {}
    for name in dict.fromkeys(each.entrant for each in figures):
        own = [each for each in figures if each.entrant == name]
        columns = {measure: [getattr(each, measure) for each in own] for measure in MEASURES}
        found[name] = {measure: float(np.mean(values)) for measure, values in columns.items()} | {
            "spread": {
                measure: max(values) - min(values) if len(values) > 1 else None
                for measure, values in columns.items()
            },
            "seeds": [each.seed for each in own],
        }
    return found
