"""`tracing`: what recording spans costs."""

import os
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean, stdev
from typing import Annotated, Any, Final

import typer

from benchmarks.arithmetic import Figures, figures
from benchmarks.collector import Phase, SwitchedCollector, Way
from benchmarks.commands.options import (
    Cards,
    CommitIntervalS,
    Parallelism,
    Report,
    Seed,
    Transactions,
    WarmUpS,
    WindowS,
)
from benchmarks.contenders import CARDWATCH
from benchmarks.errors import BenchError
from benchmarks.filled import filled
from benchmarks.measure import measure
from benchmarks.reporting import say, write_report
from benchmarks.settings import Method, Stream
from benchmarks.stand import Stand

EXAMPLES: Final = (
    "python -m benchmarks tracing",
    "python -m benchmarks tracing --transactions 6000000 --warm-up-s 20 --window-s 36",
)
_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SETTLING_S: Final = 2.0
"""From the beginning of a phase until the job does as its collector does. Seconds."""
_FEWEST: Final = 3
_SHARES: Final = {"1%": 0.01, "100%": 1.0}
"""Transactions whose sender has chosen them. All that alert, two in a hundred, come on top."""


def tracing(  # noqa: PLR0913 - each is an option on the command line
    *,
    transactions: Transactions = 20_000_000,
    cards: Cards = 100_000,
    phase_s: Annotated[
        float, typer.Option(min=3, help="How long spans are recorded, or not, at a time.")
    ] = 6.0,
    parallelism: Parallelism = 2,
    warm_up_s: WarmUpS = 50.0,
    window_s: WindowS = 126.0,
    commit_interval_s: CommitIntervalS = 1.0,
    share: Annotated[
        list[str] | None, typer.Option(help="Only this one of 1% and 100%; may be repeated.")
    ] = None,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure a job that records spans for some seconds, and then none: 1 % and 100 % sampled."""
    method = Method(
        parallelism=parallelism,
        commit_interval_s=commit_interval_s,
        warm_up_s=warm_up_s,
        window_s=window_s,
    )
    stream = Stream(transactions=transactions, cards=cards, seed=seed)
    for each in share or ():
        if each not in _SHARES:
            raise typer.BadParameter(f"{each!r}: there are {', '.join(_SHARES)}")
    write_report(report, measure_tracing(stream, method, phase_s, share or tuple(_SHARES)))


def measure_tracing(
    stream: Stream, method: Method, phase_s: float, shares: Sequence[str] = tuple(_SHARES)
) -> dict[str, Any]:
    """Measure each share; return what recording takes, 0 to 1, and the figures of every phase.

    `overhead`: of the throughput; `cpu_overhead`: how much more CPU time a transaction takes.
    `collector_gone`: of the throughput, where nobody is there to take the spans.
    """
    overhead: dict[str, float] = {}
    cpu_overhead: dict[str, float] = {}
    gone: dict[str, float] = {}
    phases_of = {}
    for share in shares:
        with filled(replace(stream, sampled_share=_SHARES[share])) as stand:
            phases = _phases(stand, method, phase_s)
        for phase, figures_of in phases:
            say(
                f"{share} sampled, {phase.way.value}: {figures_of.tx_per_s:,.0f} tx/s, "
                f"{figures_of.cpu_us_per_tx:.1f} µs CPU a transaction"
            )
        overhead[share] = _told(f"{share} sampled", "throughput", _lost(phases, Way.TAKES))
        cpu_overhead[share] = _told(f"{share} sampled", "CPU time", _more_cpu(phases, Way.TAKES))
        gone[share] = _told(f"{share} sampled, gone", "throughput", _lost(phases, Way.GONE))
        phases_of[share] = [
            {"way": phase.way.value, "tx_per_s": round(f.tx_per_s), "cpu_us": f.cpu_us_per_tx}
            for phase, f in phases
        ]
    return {
        "overhead": overhead,
        "cpu_overhead": cpu_overhead,
        "collector_gone": gone,
        "phases": phases_of,
    }


def _phases(stand: Stand, method: Method, phase_s: float) -> list[tuple[Phase, Figures]]:
    """Run the job once; return its figures in each whole phase of the window."""
    with SwitchedCollector(phase_s) as collector:
        os.environ[_ENDPOINT] = collector.endpoint
        try:
            taken = measure(stand, CARDWATCH, replace(method, records_spans=True), None)
        finally:
            del os.environ[_ENDPOINT]
        phases = list(collector.phases(taken.start_s, taken.end_s))
    say(str(taken))
    return [
        (phase, figures(taken.samples, phase.start_s + _SETTLING_S, phase.end_s))
        for phase in phases
    ]


def _lost(phases: Sequence[tuple[Phase, Figures]], way: Way) -> list[float]:
    """Return what is lost of the rate in each phase of a kind."""
    rates = [(phase.way, each.tx_per_s) for phase, each in phases]
    return [1 - compared for compared in compared_with_neighbours(rates, way)]


def _more_cpu(phases: Sequence[tuple[Phase, Figures]], way: Way) -> list[float]:
    """Return how much more CPU time a transaction takes in each phase of a kind."""
    times = [(phase.way, each.cpu_us_per_tx) for phase, each in phases]
    return [compared - 1 for compared in compared_with_neighbours(times, way)]


def compared_with_neighbours(values: Sequence[tuple[Way, float]], way: Way) -> list[float]:
    """Divide each value of a kind by the mean of the nearest two without spans, one on each side.

    The machine's speed drifts: what is compared must be near in time.
    """
    found = []
    for place, (kind, value) in enumerate(values):
        before = [v for k, v in values[:place] if k is Way.REFUSES]
        after = [v for k, v in values[place:] if k is Way.REFUSES]
        if kind is way and before and after:
            found.append(value / mean((before[-1], after[0])))
    return found


def _told(what: str, of: str, shares: Sequence[float]) -> float:
    """Say the mean of what was found in each phase, and its standard error."""
    if len(shares) < _FEWEST:
        raise BenchError(
            f"{len(shares)} phases of a kind in the window: give a longer --window-s and "
            "more --transactions"
        )
    said = mean(shares)
    say(f"{what}: {said:.1%} of the {of}, ± {stdev(shares) / len(shares) ** 0.5:.1%}")
    return round(said, 4)
