"""`tracing`: what recording spans costs."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import typer

from benchmarks.arithmetic import median_with_error
from benchmarks.collector import SwitchedCollector, Way
from benchmarks.commands.options import (
    Cards,
    Parallelism,
    Report,
    Seed,
    Transactions,
    WarmUpS,
    check_names,
)
from benchmarks.contenders import CARDWATCH
from benchmarks.filled import filled
from benchmarks.measure import running
from benchmarks.reporting import say, write_report
from benchmarks.settings import Method, Stream
from benchmarks.stand import Stand
from benchmarks.switching import (
    COMMIT_INTERVAL_S,
    JudgedSoFar,
    Phase,
    compared_with_neighbours,
    in_turns,
)
from cardwatch_local.ports import free_port_range

EXAMPLES: Final = (
    "python -m benchmarks tracing",
    "python -m benchmarks tracing --transactions 6000000 --warm-up-s 20 --times 4 --share 1%",
)
_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PORTS: Final = 8
_TIMES_GONE: Final = 3
_SHARES: Final = {"1%": 0.01, "100%": 1.0}
"""Transactions whose sender has chosen them. All that alert, two in a hundred, come on top."""


def tracing(
    *,
    transactions: Transactions = 25_000_000,
    cards: Cards = 100_000,
    times: Annotated[
        int, typer.Option(min=2, help="How often spans are recorded, for some seconds.")
    ] = 12,
    parallelism: Parallelism = 2,
    warm_up_s: WarmUpS = 60.0,
    share: Annotated[
        list[str] | None, typer.Option(help="Only this one of 1% and 100%; may be repeated.")
    ] = None,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure a job that records spans for some seconds, and then none: 1 % and 100 % sampled."""
    method = Method(parallelism=parallelism, warm_up_s=warm_up_s)
    stream = Stream(transactions=transactions, cards=cards, seed=seed)
    check_names(share or (), _SHARES)
    found: dict[str, dict[str, Any]] = {}
    for each in share or tuple(_SHARES):
        with filled(replace(stream, sampled_share=_SHARES[each])) as stand:
            found[each] = measure_tracing(stand, method, each, times)
        write_report(report, by_figure(found))


def by_figure(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of all shares: `overhead` {share: value}, and so on."""
    names = next(iter(found.values()))
    return {name: {share: figures[name] for share, figures in found.items()} for name in names}


def measure_tracing(stand: Stand, method: Method, share: str, times: int) -> dict[str, Any]:
    """Run the job once over a topic of which `share` is sampled; return what spans take, 0 to 1.

    `overhead`: of the throughput that the cores left to this machine make; `cpu_overhead`: how
    much more CPU time a transaction takes; `collector_gone`: of the throughput, where nobody is
    there to take the spans. Each with its standard error, and the figures of every phase.
    """
    ports = free_port_range(_PORTS)
    method = replace(
        method,
        commit_interval_s=COMMIT_INTERVAL_S,
        records_spans=True,
        metrics_ports=f"{ports[0]}-{ports[-1]}",
    )
    judged = JudgedSoFar(ports)
    with SwitchedCollector() as collector:
        os.environ[_ENDPOINT] = collector.endpoint
        try:
            with running(stand, CARDWATCH, method) as job:
                job.watch_until(lambda _: False, method.warm_up_s)
                phases = in_turns(job, judged, collector, Way.TAKES, times)
                gone = in_turns(job, judged, collector, Way.GONE, _TIMES_GONE)
        finally:
            del os.environ[_ENDPOINT]
    for phase in (*phases, *gone):
        say(
            f"{share} sampled, {phase.way.value}: {phase.tx_per_s:,.0f} tx/s, "
            f"{phase.stolen_share:.0%} of the cores stolen, "
            f"{phase.cpu_us_per_tx:.1f} µs CPU a transaction"
        )
    lost, lost_error = _compared(phases, "tx_per_s_of_cores")
    more, more_error = _compared(phases, "cpu_us_per_tx")
    without, without_error = _compared(gone, "tx_per_s_of_cores")
    say(f"{share} sampled: {-lost:.1%} of the throughput, ± {lost_error:.1%}")
    say(f"{share} sampled: {more:.1%} more CPU time, ± {more_error:.1%}")
    say(f"{share} sampled, gone: {-without:.1%} of the throughput, ± {without_error:.1%}")
    return {
        "overhead": round(-lost, 4),
        "overhead_error": round(lost_error, 4),
        "cpu_overhead": round(more, 4),
        "cpu_overhead_error": round(more_error, 4),
        "collector_gone": round(-without, 4),
        "phases": [_as_json(phase) for phase in (*phases, *gone)],
    }


def _as_json(phase: Phase) -> dict[str, Any]:
    return {
        "way": phase.way.value,
        "tx_per_s": round(phase.tx_per_s),
        "stolen_share": round(phase.stolen_share, 3),
        "cpu_us_per_tx": round(phase.cpu_us_per_tx, 2),
    }


def _compared(phases: Sequence[Phase], figure: str) -> tuple[float, float]:
    """Return how much a figure changes with spans, as a share, and the error of that."""
    values = [(phase.way, getattr(phase, figure)) for phase in phases]
    ratio, error = median_with_error(compared_with_neighbours(values))
    return ratio - 1, error
