"""`tracing`: what recording spans costs."""

import os
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean, pvariance
from typing import Annotated, Any, Final

import typer

from benchmarks.arithmetic import figures
from benchmarks.collector import SwitchedCollector, Way
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
    write_report(report, measure_tracing(stream, method, phase_s))


def measure_tracing(stream: Stream, method: Method, phase_s: float) -> dict[str, Any]:
    """Measure each share; return what recording takes of the throughput, 0 to 1, and the rates.

    `collector_gone`: what it takes where all are sampled and nobody is there to take the spans.
    """
    overhead: dict[str, float] = {}
    gone, rates_of = 0.0, {}
    for share, sampled_share in _SHARES.items():
        with filled(replace(stream, sampled_share=sampled_share)) as stand:
            rates = _rates(stand, method, phase_s)
        for way, measured in rates.items():
            say(f"{share} sampled, {way.value}: {_listed(measured)} tx/s")
        usual = mean(rates[Way.REFUSES])
        overhead[share] = round(1 - mean(rates[Way.TAKES]) / usual, 4)
        gone = round(1 - mean(rates[Way.GONE]) / usual, 4)
        uncertain = _uncertainty(rates[Way.TAKES], rates[Way.REFUSES])
        say(f"{share} sampled: {overhead[share]:.1%} ± {uncertain:.1%} of the throughput")
        rates_of[share] = {way.value: [round(rate) for rate in rates[way]] for way in rates}
    say(f"100% sampled, collector gone: {gone:.1%} of the throughput")
    return {"overhead": overhead, "collector_gone": gone, "tx_per_s": rates_of}


def _rates(stand: Stand, method: Method, phase_s: float) -> dict[Way, list[float]]:
    """Run the job once; return its rate in each phase of the window, by what the collector did."""
    with SwitchedCollector(phase_s) as collector:
        os.environ[_ENDPOINT] = collector.endpoint
        try:
            taken = measure(stand, CARDWATCH, replace(method, records_spans=True), None)
        finally:
            del os.environ[_ENDPOINT]
        phases = list(collector.phases(taken.start_s, taken.end_s))
    say(str(taken))
    rates: dict[Way, list[float]] = {way: [] for way in Way}
    for phase in phases:
        start_s = phase.start_s + _SETTLING_S
        rates[phase.way].append(figures(taken.samples, start_s, phase.end_s).tx_per_s)
    missing = [way.value for way in Way if not rates[way]]
    if missing:
        raise BenchError(f"no whole phase {missing[0]} in the window: give a longer --window-s")
    return rates


def _uncertainty(taken: Sequence[float], refused: Sequence[float]) -> float:
    """Return the standard error of the share that is lost."""
    parts = [pvariance(rates) / len(rates) / mean(rates) ** 2 for rates in (taken, refused)]
    return float(sum(parts) ** 0.5)


def _listed(rates: Sequence[float]) -> str:
    return " ".join(f"{rate:,.0f}" for rate in rates)
