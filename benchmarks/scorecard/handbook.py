"""The handbook's stream: models trained beside the job, judged in it, and what they reached."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import BenchError
from benchmarks.scorecard.configs import Pair
from benchmarks.scorecard.figures import Reached, Scores, skew_of, summary_of
from benchmarks.scorecard.passes import Passed, Plan, pass_through
from benchmarks.scorecard.protocol import edges_of, heard_in_steps
from benchmarks.scorecard.records import World
from benchmarks.scorecard.seen import Said
from benchmarks.scorecard.table import per_seed
from benchmarks.settings import Method
from cardwatch_local.progress import StepListener
from cardwatch_local.training.payments import DAY_MS, Payments
from cardwatch_local.training.rules import rule_findings
from cardwatch_local.training.scorecard import (
    MEASURES,
    PUBLISHED,
    TEST_BEGINS_MS,
    TEST_ENDS_MS,
    TRAIN_BEGINS_MS,
    Measured,
    ScoredWeek,
    look,
    measure,
    scored_week,
)

RULES: Final = "rules"
_WITH_RULES: Final = " and rules"
_LETTERS: Final = "abcdefghijklmnopqrst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is to be measured."""

    begins_ms: int
    """Event time of the first payment. Milliseconds since 1970-01-01 UTC."""
    step_ms: int
    """How often the job hears of labels from the training week on, in event time; before, once a
    day. Milliseconds."""
    seeds: Sequence[int]
    """Of each model; none: rules alone are measured."""
    at_once: int = 2
    """Worlds in one pass, with two models each."""
    backlog: int = 0
    """Payments behind the test week that are sent at once."""
    timed_s: float = 0.0
    """How long payments come at a steady rate thereafter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was found."""

    reached: Sequence[Reached]
    passes: Sequence[Passed]
    oracle: float
    """Card precision@100 of a perfect model."""
    payments: int
    frauds: int
    """Of the scored week."""

    def as_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {
            "handbook": summary_of(self.reached),
            "per_seed": [each.as_json() for each in self.reached],
            "published": {
                name: dict(zip(MEASURES, figures, strict=True))
                for name, figures in PUBLISHED.items()
            },
            "oracle_card_precision_100": self.oracle,
            "scored": {"payments": self.payments, "frauds": self.frauds},
            "passes": [each.as_json() for each in self.passes],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bout:
    """Two models that judge one world."""

    world: World
    model: Measured
    challenger: Measured | None

    @property
    def pair(self) -> Pair:
        """The models for the job."""
        challenger = self.challenger
        return Pair(
            model=self.model.artefact,
            challenger=None if challenger is None else challenger.artefact,
        )


def measure_handbook(
    stream: Payments,
    wishes: Wishes,
    method: Method,
    listener: StepListener,
    say: Callable[[str], None],
) -> Outcome:
    """Train models, have the job judge the stream with them, and measure what it said.

    Models are trained on what a replay outside of the job gives, which hears labels at the same
    steps; it is what their risks in the job are compared with.

    Raises:
        BenchError: the job did not do what it was asked.
        StackError: it is not the handbook's stream, or the job does not start.
    """
    edges = edges_of(
        wishes.begins_ms,
        TEST_ENDS_MS,
        step_ms=DAY_MS,
        finer_from_ms=TRAIN_BEGINS_MS,
        finer_step_ms=wishes.step_ms,
    )
    payments = heard_in_steps(stream, edges)
    week = scored_week(payments)
    models = _train(payments, wishes.seeds, listener, say)
    reached: list[Reached] = []
    passes: list[Passed] = []
    for bouts in bouts_of(models, wishes.at_once) or [()]:
        plan = _plan(payments, edges, wishes, bouts, is_first=not passes)
        passed = pass_through(plan, method, listener)
        say(f"pass {len(passes) + 1}: {passed}")
        judged = [] if passes else [_rules(week, next(iter(passed.said.values())))]
        for bout in bouts:
            judged += _of_bout(week, bout, passed.said)
        for each in judged:
            say(per_seed(each))
        reached += judged
        passes.append(passed)
    return Outcome(
        reached=reached,
        passes=passes,
        oracle=week.figures(week.fraudulent.astype(np.float64))[2],
        payments=len(week.rows),
        frauds=int(week.fraudulent.sum()),
    )


def _train(
    payments: Payments, seeds: Sequence[int], listener: StepListener, say: Callable[[str], None]
) -> list[Measured]:
    if not seeds:
        return []
    replayed = look(payments, listener)
    rules = rule_findings(payments.where(payments.event_time < TEST_ENDS_MS), listener)
    models = []
    for measured in measure(payments, replayed, seeds, rules=rules):
        say(f"trained {measured.entrant} seed {measured.seed}: {measured.artefact.hash[:12]}")
        models.append(measured)
    return models


def bouts_of(models: Sequence[Measured], at_once: int) -> list[Sequence[Bout]]:
    """Put models into as few passes as can be, with two in each of `at_once` worlds."""
    by_two = [models[at : at + 2] for at in range(0, len(models), 2)]
    return [
        [
            Bout(world=World(letter), model=two[0], challenger=two[1] if len(two) > 1 else None)
            for letter, two in zip(_LETTERS, by_two[at : at + at_once], strict=False)
        ]
        for at in range(0, len(by_two), at_once)
    ]


def _plan(
    payments: Payments,
    edges: Sequence[int],
    wishes: Wishes,
    bouts: Sequence[Bout],
    *,
    is_first: bool,
) -> Plan:
    return Plan(
        payments=payments,
        edges=edges,
        test_begins_ms=TEST_BEGINS_MS,
        pairs={bout.world: bout.pair for bout in bouts},
        backlog=wishes.backlog if is_first else 0,
        timed_s=wishes.timed_s if is_first else 0.0,
    )


def _of_bout(week: ScoredWeek, bout: Bout, said: Mapping[str, Said]) -> Iterator[Reached]:
    told = said[bout.world.bank_id]
    by_rules = told.rules[week.rows] > 0
    yield _reached(week, bout.model, told.model, by_rules)
    combined = told.combined[week.rows]
    yield Reached(
        entrant=f"{bout.model.entrant}{_WITH_RULES}",
        seed=bout.model.seed,
        figures=week.figures(combined),
        hash=bout.model.artefact.hash,
    )
    if bout.challenger is not None:
        yield _reached(week, bout.challenger, told.challenger, by_rules)


def _reached(
    week: ScoredWeek, model: Measured, said: Scores, by_rules: NDArray[np.bool_]
) -> Reached:
    risks = said[week.rows]
    if np.isnan(risks).any():
        raise BenchError(f"{int(np.isnan(risks).sum()):,} alerts have no risk of {model.entrant}")
    return Reached(
        entrant=model.entrant,
        seed=model.seed,
        figures=week.figures(risks),
        hash=model.artefact.hash,
        skew=skew_of(week, risks, model.risks, by_rules),
    )


def _rules(week: ScoredWeek, said: Said) -> Reached:
    """Return what rules alone reach: the more of them object, the more suspicious."""
    return Reached(
        entrant=RULES, seed=None, figures=week.figures(said.rules[week.rows].astype(np.float64))
    )
