"""`scorecard`: how well the running job tells fraud, beside what others published."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.commands.options import CommitIntervalS, Report
from benchmarks.false_positives import (
    Curves,
    lacking_words,
    on_generated,
    on_handbook,
    table,
)
from benchmarks.reporting import console, say, write_report
from benchmarks.scorecard.generated import run_generated, settings_of
from benchmarks.scorecard.generated_model import model_for
from benchmarks.scorecard.handbook import Wishes, measure_handbook
from benchmarks.scorecard.stream import FILE, FIRST_MS, read_stream
from benchmarks.scorecard.table import generated_table, handbook_table
from benchmarks.settings import Method
from cardwatch_local.step_bars import steps_on
from cardwatch_local.training.forests import check_available

EXAMPLES: Final = (
    "python -m benchmarks scorecard",
    "python -m benchmarks scorecard --seeds 1 --begins 2018-06-01 --report scorecard.json",
    "python -m benchmarks scorecard --seeds 0 --generated 0",
)
_HOUR_MS: Final = 3_600_000
_HEAP_MB: Final = 1024
_BACKLOG: Final = 50_000
"""Payments behind the test week, of all copies, that are sent at once: how many a second the job
judges."""
_TIMED_S: Final = 60.0
"""How long payments come at a steady rate thereafter: how long an alert takes."""
_FIRST_DAY: Final = datetime.fromtimestamp(FIRST_MS / 1000, UTC).replace(tzinfo=None)
Seeds = Annotated[
    int, typer.Option(min=0, max=20, help="Seeds a model gets; 0 measures rules alone.")
]
Begins = Annotated[
    datetime, typer.Option(formats=["%Y-%m-%d"], help="Day of the first payment of the handbook.")
]


def scorecard(  # noqa: PLR0913 - each is an option on the command line
    *,
    file: Annotated[Path, typer.Option(help="The handbook's transactions, as Parquet.")] = FILE,
    seeds: Seeds = 3,
    begins: Begins = _FIRST_DAY,
    step_h: Annotated[
        int,
        typer.Option(
            min=1, max=24, help="Hours of event time between labels, from the training week on."
        ),
    ] = 1,
    at_once: Annotated[
        int, typer.Option(min=1, max=8, help="Copies of the stream in one pass, two models each.")
    ] = 4,
    generated: Annotated[
        int, typer.Option(min=0, help="Payments of the simulated stream; 0 leaves it out.")
    ] = 200_000,
    curves: Annotated[
        bool, typer.Option(help="Whether false positives at equal recall are measured, by replay.")
    ] = True,
    commit_interval_s: CommitIntervalS = 1.0,
    report: Report = None,
) -> None:
    """Have the running job judge the handbook's stream, and a simulated one, and measure it.

    The handbook's goes in order, labels come seven days late as feedback, by the protocol of its
    chapter 3: docs/scorecard.md.
    """
    method = Method(commit_interval_s=commit_interval_s, heap_mb=_HEAP_MB)
    found: dict[str, Any] = {}
    if file.exists():
        wishes = Wishes(
            begins_ms=int(begins.replace(tzinfo=UTC).timestamp() * 1000),
            step_ms=step_h * _HOUR_MS,
            seeds=range(1, seeds + 1),
            at_once=at_once,
            backlog=_BACKLOG,
            timed_s=_TIMED_S,
        )
        found |= _handbook(file, wishes, method)
    else:
        say(f"handbook skipped: {file} is not there; --file says where its stream is")
    if generated:
        found |= _generated(generated, method, with_model=seeds > 0)
    if curves:
        found |= _false_positives(file)
    write_report(report, found)


def _handbook(file: Path, wishes: Wishes, method: Method) -> dict[str, Any]:
    if wishes.seeds:
        check_available()
    began_s = time.monotonic()
    payments = read_stream(file, begins_ms=wishes.begins_ms)
    say(f"{len(payments):,} payments read in {time.monotonic() - began_s:.0f} s")
    with steps_on(console) as steps:
        outcome = measure_handbook(payments, wishes, method, steps, say)
    say(
        f"{outcome.payments:,} payments in the test week, {outcome.frauds} frauds; "
        f"a perfect model reaches card precision@100 of {outcome.oracle:.3f}"
    )
    found = outcome.as_json()
    console.print(handbook_table(found["handbook"]))
    say("± is half of the spread over several seeds; frauds are of one week: they move together")
    first = found["passes"][0]
    return found | {
        "tx_per_s": first["backlog_tx_per_s"] or first["tx_per_s"],
        "latency_ms": first["latency_ms"],
        "begins_ms": wishes.begins_ms,
        "step_ms": wishes.step_ms,
    }


def _generated(transactions: int, method: Method, *, with_model: bool) -> dict[str, Any]:
    model = None
    with steps_on(console) as steps:
        if with_model:
            check_available()
            model = model_for(settings_of(seed=2, transactions=transactions), steps)
        judged = settings_of(seed=1, transactions=transactions)
        found = run_generated(judged, method, steps, model)
    say(
        f"generated: {found.transactions:,} payments, {found.labelled:,} of known scenarios, "
        f"{found.tx_per_s:,.0f} tx/s; 95 % confidence in brackets"
    )
    console.print(generated_table(found.detectors))
    return {
        "generated": {name: each.as_json() for name, each in found.detectors.items()},
        "generated_stream": found.as_json(),
    }


def _false_positives(file: Path) -> dict[str, Any]:
    """Measure false positives with and without memories of users, by a replay outside the job."""
    check_available()
    found: dict[str, Curves] = {}
    with steps_on(console) as steps:
        if file.exists():
            found["handbook"] = on_handbook(read_stream(file), steps, seed=1)
        found["generated"] = on_generated(1, steps)
    for name, each in found.items():
        say(f"{name} stream replayed, {each.frauds} frauds: {each.unit}, at equal recall")
        console.print(table(each))
        if lacking := each.rules.lacking:
            say(f"rules that could not be tried: {lacking_words(lacking)}")
    return {
        "false_positives": {name: each.as_json() for name, each in found.items()},
        "rules_not_tried": {name: each.rules.lacking for name, each in found.items()},
    }
