"""The scorecard as it is printed. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from rich.table import Table

from benchmarks.scorecard.figures import Detected, Reached
from cardwatch_local.training.scorecard import MEASURES, PUBLISHED

_HEADINGS: Final = ("AUC ROC", "average precision", "card precision@100")


def per_seed(reached: Reached) -> str:
    """Return one model's figures with one seed in a line."""
    seed = "" if reached.seed is None else f" seed {reached.seed}"
    line = f"{reached.entrant}{seed}: {_shown(reached.figures)}"
    if reached.skew is None:
        return line
    skew = reached.skew
    return (
        f"{line}; outside of the job {_shown(skew.figures)}, {skew.different:,} of "
        f"{skew.payments:,} risks differ, at most by {skew.largest:.2g}, "
        f"{skew.unexplained:,} of them where no rule objected to the user's payments"
    )


def handbook_table(summary: Mapping[str, Any]) -> Table:
    """Return what models reached in the job, beside what others published."""
    table = _table("model", *_HEADINGS)
    for name, figures in summary.items():
        cells = (_figure(figures, each) for each in MEASURES)
        table.add_row(name, *cells)
    for name, published in PUBLISHED.items():
        table.add_row(f"published: {name}", *(f"{value:.3f}" for value in published))
    return table


def generated_table(detectors: Mapping[str, Detected]) -> Table:
    """Return how well each detector found what was put into a simulated stream."""
    table = _table("detector", "precision", "recall", "findings", "labelled")
    for name, found in detectors.items():
        table.add_row(
            name,
            str(found.precision),
            str(found.recall),
            f"{found.precision.whole:,}",
            f"{found.recall.whole:,}",
        )
    return table


def _figure(figures: Mapping[str, Any], measure: str) -> str:
    spread = figures["spread"][measure]
    mean = f"{figures[measure]:.3f}"
    return mean if spread is None else f"{mean} ±{spread / 2:.3f}"


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _shown(values: tuple[float, ...]) -> str:
    return " / ".join(f"{value:.3f}" for value in values)
