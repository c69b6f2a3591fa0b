"""`scorecard`: how well models tell fraud in a public stream, beside what others published."""

import time
from array import array
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.table import Table

from benchmarks.commands.options import Report
from benchmarks.reporting import console, say, write_report
from cardwatch_job.model.artefact import Artefact
from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.scorer import Scorer
from cardwatch_local.step_bars import steps_on
from cardwatch_local.training.files import read_parquet
from cardwatch_local.training.forests import check_available
from cardwatch_local.training.scorecard import (
    LABEL_DELAY_MS,
    MEASURES,
    PUBLISHED,
    Measured,
    look,
    measure,
    scored_week,
    summary,
)
from cardwatch_local.training.scoring import vectors

EXAMPLES: Final = (
    "python -m benchmarks scorecard",
    "python -m benchmarks scorecard --seeds 1 --report scorecard.json",
)
_STREAM: Final = Path("../shared/data/handbook_transactions.parquet")
_BATCH: Final = 100
_TIMED_ROWS: Final = 20_000
_EXPLAINED: Final = 1_000


def scorecard(
    *,
    file: Annotated[Path, typer.Option(help="The handbook's transactions, as Parquet.")] = _STREAM,
    seeds: Annotated[int, typer.Option(min=1, max=20, help="How many seeds a model gets.")] = 3,
    report: Report = None,
) -> None:
    """Train models on the handbook's stream and measure them by the protocol of its chapter 3.

    A replay outside of the running job, through the job's own features and scorer.
    """
    if not file.exists():
        say(f"scorecard skipped: {file} is not there; --file says where the handbook's stream is")
        return
    check_available()
    say(
        "replayed outside of the running job: the job's own features and scorer, no Kafka, no Flink"
    )
    began_s = time.monotonic()
    payments = read_parquet(file, label_delay_ms=LABEL_DELAY_MS)
    with steps_on(console) as steps:
        replayed = look(payments, steps)
    replay_s = time.monotonic() - began_s
    week = scored_week(payments)
    oracle = week.figures(week.fraudulent.astype(np.float64))
    say(
        f"{len(week.rows):,} payments in the test week, {int(week.fraudulent.sum())} frauds; "
        f"a perfect model reaches card precision@100 of {oracle[2]:.3f}"
    )
    found: list[Measured] = []
    for measured in measure(payments, replayed, range(1, seeds + 1)):
        found.append(measured)
        say(f"{measured.entrant} seed {measured.seed}: {_shown(measured.values())}")
    timed = {each.entrant: _timings(each.artefact, replayed.features) for each in found}
    _print(summary(found), timed)
    write_report(
        report,
        {
            "how": "replayed outside of the running job",
            "handbook": summary(found),
            "per_seed": [each.as_json() for each in found],
            "published": {
                name: dict(zip(MEASURES, figures, strict=True))
                for name, figures in PUBLISHED.items()
            },
            "oracle_card_precision_100": oracle[2],
            "scorer": timed,
            "replay_s": replay_s,
            "compiled": type(Scorer(found[0].artefact).trees).__name__ == "FlatTrees",
        },
    )


def _timings(artefact: Artefact, features: Any) -> dict[str, float]:
    """Return what scoring and explaining take. Microseconds a payment."""
    scorer = Scorer(artefact)
    rows = vectors(features[:_TIMED_ROWS])
    step = _BATCH * len(FEATURES)
    pieces = [rows[at : at + step] for at in range(0, len(rows), step)]
    return {
        "batch_100_us": min(_per_row_us(scorer, pieces) for _ in range(3)),
        "reasons_us": _explaining_us(scorer, rows),
    }


def _per_row_us(scorer: Scorer, pieces: "list[array[float]]") -> float:
    began = time.perf_counter()
    for piece in pieces:
        scorer.risks(piece)
    return (time.perf_counter() - began) * 1e6 / (_BATCH * len(pieces))


def _explaining_us(scorer: Scorer, rows: "array[float]") -> float:
    width = len(FEATURES)
    count = min(_EXPLAINED, len(rows) // width)
    began = time.perf_counter()
    for at in range(0, count * width, width):
        scorer.reasons(rows[at : at + width], "EUR")
    return (time.perf_counter() - began) * 1e6 / count


def _shown(values: tuple[float, ...]) -> str:
    return " / ".join(f"{value:.3f}" for value in values)


def _print(models: dict[str, Any], timed: dict[str, dict[str, float]]) -> None:
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in (
        "model",
        "AUC ROC",
        "average precision",
        "card precision@100",
        "µs",
        "reasons µs",
    ):
        shown.add_column(column, justify="left" if column == "model" else "right", no_wrap=True)
    for name, figures in models.items():
        cells = (f"{figures[each]:.3f} ±{figures['spread'][each] / 2:.3f}" for each in MEASURES)
        costs = timed[name]
        shown.add_row(name, *cells, f"{costs['batch_100_us']:.1f}", f"{costs['reasons_us']:.0f}")
    for name, published in PUBLISHED.items():
        shown.add_row(f"published: {name}", *(f"{value:.3f}" for value in published), "", "")
    console.print(shown)
    say("± is half of the spread over the seeds; frauds are of one week, so they move together")
