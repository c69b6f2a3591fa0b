"""False positives with and without memories of users, and of rules alone, at equal recall."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks import generated_stream
from cardwatch_contracts.detector_config import AmountSpikeConfig, Detectors
from cardwatch_job.model.artefact import Artefact
from cardwatch_job.model.combine import combined_risk
from cardwatch_local.progress import StepListener
from cardwatch_local.training.false_positives import (
    RECALLS,
    Point,
    Stretch,
    point_of,
    points_at,
)
from cardwatch_local.training.payments import DAY_MS, FRAUDULENT, Payments
from cardwatch_local.training.replay import replay
from cardwatch_local.training.rules import RuleFindings, rule_findings
from cardwatch_local.training.scorecard import (
    ENTRANTS,
    NOT_OF_USERS,
    TEST_ENDS_MS,
    WITHOUT_USERS,
    look,
    measure,
    scored_week,
)
from cardwatch_local.training.scoring import risks_of
from cardwatch_local.training.train import Wanted, rows_of, train

FACTORS: Final = (2.0, 3.0, 4.0, 5.0, AmountSpikeConfig().factor)
"""Settings of `amount_spike` at which rules alone are measured; the last is the built-in one."""
SWEPT: Final = Detectors(amount_spike=AmountSpikeConfig(factor=min(FACTORS)))
"""Rules that object wherever one of `FACTORS` would."""
_WITH_USERS: Final = "boosted-feedback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What finding a share of the frauds costs; None where somebody does not find it."""

    name: str
    recall: float
    without_users: Point | None
    with_users: Point | None
    rules: Point | None
    together: Point | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What models and rules cost on one stream."""

    stretch: Stretch
    with_users: NDArray[np.float64]
    without_users: NDArray[np.float64]
    rules: RuleFindings
    """By `SWEPT`, of the same payments."""
    together: NDArray[np.float64] | None = None
    """Combined risk of rules and the model with users; None where it was not fitted."""
    in_real_time: bool = True
    """Whether a day of the stream is as full as one in life."""

    @property
    def frauds(self) -> int:
        """How many there are to be found."""
        return int(self.stretch.fraudulent.sum())

    @property
    def unit(self) -> str:
        """What the numbers of the table are."""
        if self.in_real_time:
            return "false positives a day (alerts per thousand cards a day)"
        return "false positives per thousand payments"

    def rows(self) -> list[Row]:
        """Return what is shown.

        First at given recalls, without rules; then rules at each of `FACTORS`, and both models at
        the recall that the rules have there.
        """
        shown = [self._row("", recall, None) for recall in RECALLS]
        for factor in FACTORS:
            rules = point_of(self.stretch, rules_at(self.rules, factor))
            shown.append(self._row(f"rules, amount_spike {factor:g}", rules.recall, rules))
        return shown

    def as_json(self) -> list[dict[str, Any]]:
        """Return it for a report."""
        return [
            {
                "at": row.name or "recall",
                "recall": row.recall,
                "without_user_models": _json(row.without_users),
                "with_user_models": _json(row.with_users),
                "rules": _json(row.rules),
                "combined": _json(row.together),
            }
            for row in self.rows()
        ]

    def _row(self, name: str, recall: float, rules: Point | None) -> Row:
        models = (self.without_users, self.with_users, self.together)
        without, with_users, together = (
            None if scores is None or not recall else points_at(self.stretch, scores, (recall,))[0]
            for scores in models
        )
        return Row(
            name=name,
            recall=recall,
            without_users=without,
            with_users=with_users,
            rules=rules,
            together=together,
        )


def rules_at(findings: RuleFindings, factor: float) -> NDArray[np.bool_]:
    """Return which payments rules alert on, were the factor of `amount_spike` this one."""
    others = [place for place, name in enumerate(findings.rules) if name != "amount_spike"]
    alerts: NDArray[np.bool_] = findings.found[:, others].any(axis=1)
    return alerts | (findings.times_average >= factor)


def on_handbook(payments: Payments, steps: StepListener, *, seed: int) -> Curves:
    """Train and measure by the protocol of the handbook, with features from feedback."""
    week = scored_week(payments)
    seen = payments.where(payments.event_time < TEST_ENDS_MS)
    rules = rule_findings(seen, steps, detectors=SWEPT)
    found = {
        each.entrant: each
        for each in measure(
            payments,
            look(payments, steps),
            (seed,),
            [*(each for each in ENTRANTS if each.name == _WITH_USERS), WITHOUT_USERS],
            rules=_as_built_in(rules),
        )
    }
    model = found[_WITH_USERS]
    return Curves(
        stretch=week.stretch,
        without_users=found[WITHOUT_USERS.name].risks,
        with_users=model.risks,
        rules=rules.of(week.rows),
        together=_together(model.artefact, model.risks, _as_built_in(rules).of(week.rows)),
    )


def on_generated(
    seed: int,
    steps: StepListener,
    *,
    span_s: float = generated_stream.SPAN_S,
    cards: int = generated_stream.CARDS,
) -> Curves:
    """Train on the first part of a generated stream and measure on the rest."""
    payments = generated_stream.generated(seed, span_s=span_s, cards=cards)
    begins_ms, edge_ms = generated_stream.begins_ms(), generated_stream.edge_ms(span_s)
    measured_ms = edge_ms + generated_stream.LABEL_DELAY_MS
    times = payments.event_time
    replayed = replay(payments, times >= begins_ms, steps=steps)
    rules = rule_findings(payments, steps, detectors=SWEPT)
    scored = times[replayed.rows] >= measured_ms
    rows = replayed.rows[scored]
    by_rules = _as_built_in(rules)
    scores = []
    for only in (NOT_OF_USERS, None):
        wanted = Wanted(
            name="generated",
            kind="boostedTrees",
            begins_ms=begins_ms,
            ends_ms=edge_ms,
            known_until_ms=measured_ms,
            label_delay_ms=generated_stream.LABEL_DELAY_MS,
            only=only,
            seed=seed,
        )
        artefact = train(rows_of(payments, replayed, wanted, by_rules), wanted, steps)
        scores.append(risks_of(artefact, replayed.features[scored]))
    return Curves(
        stretch=Stretch(
            fraudulent=payments.label[rows] == FRAUDULENT,
            cards=len(np.unique(payments.user_id[rows])),
            days=(begins_ms + round(span_s * 1000) - measured_ms) / DAY_MS,
        ),
        without_users=scores[0],
        with_users=scores[1],
        rules=rules.of(rows),
        together=_together(artefact, scores[1], by_rules.of(rows)),
        in_real_time=False,
    )


def _as_built_in(swept: RuleFindings) -> RuleFindings:
    """Return what rules say with their built-in settings."""
    found = swept.found.copy()
    place = swept.rules.index("amount_spike")
    found[:, place] = swept.times_average >= AmountSpikeConfig().factor
    return replace(swept, found=found)


def _together(
    artefact: Artefact, risks: NDArray[np.float64], rules: RuleFindings
) -> NDArray[np.float64]:
    """Return the combined risk of each payment, as an alert has it."""
    combined = [
        combined_risk(artefact, risk, [rules.rules[place] for place in np.flatnonzero(found)])
        for risk, found in zip(risks.tolist(), rules.found, strict=True)
    ]
    return np.array(combined, np.float64)


def table(curves: Curves) -> Table:
    """Return what is printed of one stream."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column("", no_wrap=True)
    columns = ["recall", "without users", "with users", "rules alone"]
    for column in columns if curves.together is None else [*columns, "rules and model"]:
        shown.add_column(column, justify="right", no_wrap=True)
    for row in curves.rows():
        points = [row.without_users, row.with_users, row.rules]
        if curves.together is not None:
            points.append(row.together)
        cells = (_cell(point, in_real_time=curves.in_real_time) for point in points)
        shown.add_row(row.name, f"{row.recall:.2f}", *cells)
    return shown


def lacking_words(lacking: Mapping[str, str]) -> str:
    """Return which rules could not be tried, and why."""
    return "; ".join(f"{name} (no {what})" for name, what in lacking.items()) or "none"


def _cell(point: Point | None, *, in_real_time: bool) -> str:
    if point is None:
        return "–"
    if not in_real_time:
        return f"{point.false_positives_per_thousand:,.1f}"
    return f"{point.false_positives_a_day:,.1f} ({point.alerts_per_thousand_cards_a_day:,.1f})"


def _json(point: Point | None) -> dict[str, Any] | None:
    return None if point is None else point.as_json()
