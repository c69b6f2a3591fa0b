"""`tracing`: what recording spans costs."""

import os
from dataclasses import replace
from statistics import median
from typing import Annotated, Any, Final

import typer

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
from benchmarks.filled import filled
from benchmarks.measure import measure
from benchmarks.measurement import Measurement
from benchmarks.reporting import console, say, write_report
from benchmarks.settings import Method, Stream
from benchmarks.stand import Stand
from benchmarks.table import Result, table_of
from cardwatch_local.ports import LOOPBACK, free_ports

EXAMPLES: Final = (
    "python -m benchmarks tracing",
    "python -m benchmarks tracing --rounds 1 --transactions 3000000 --report tracing.json",
)
_NO_SPANS: Final = "without spans"
_SPANS: Final = "with spans"
_GONE: Final = "with spans, collector gone"
_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SHARES: Final = {"1%": 0.01, "100%": 1.0}
"""Transactions whose sender has chosen them. All that alert, two in a hundred, come on top."""


def tracing(  # noqa: PLR0913 - each is an option on the command line
    *,
    transactions: Transactions = 8_000_000,
    cards: Cards = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Turns without and with spans.")] = 2,
    parallelism: Parallelism = 2,
    warm_up_s: WarmUpS = 30.0,
    window_s: WindowS = 15.0,
    commit_interval_s: CommitIntervalS = 5.0,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure the job without and with spans, in turns: 1 and 100 of 100 transactions sampled."""
    method = Method(
        parallelism=parallelism,
        commit_interval_s=commit_interval_s,
        warm_up_s=warm_up_s,
        window_s=window_s,
    )
    stream = Stream(transactions=transactions, cards=cards, seed=seed)
    write_report(report, measure_tracing(stream, method, rounds=rounds))


def measure_tracing(stream: Stream, method: Method, *, rounds: int) -> dict[str, Any]:
    """Measure each share; return what recording takes of the throughput, 0 to 1, and the rates.

    `collector_gone`: what it takes where all are sampled and nobody is there to take the spans.
    """
    overhead: dict[str, float] = {}
    gone, results = 0.0, []
    for share, sampled_share in _SHARES.items():
        ways = [_NO_SPANS, _SPANS, *([_GONE] if sampled_share == 1 else [])]
        taken: dict[str, list[Measurement]] = {way: [] for way in ways}
        with filled(replace(stream, sampled_share=sampled_share)) as stand:
            for _ in range(rounds):
                for way in ways:
                    taken[way].append(_turn(stand, method, way))
                    say(f"{share} sampled, {way}: {taken[way][-1]}")
        rates = {way: median(m.figures.tx_per_s for m in taken[way]) for way in ways}
        overhead[share] = round(1 - rates[_SPANS] / rates[_NO_SPANS], 4)
        if _GONE in rates:
            gone = round(1 - rates[_GONE] / rates[_NO_SPANS], 4)
        results += [Result.of(f"{share} sampled, {way}", "", "", taken[way]) for way in ways]
    console.print(table_of(results, title="What recording spans costs"))
    for share, lost in overhead.items():
        say(f"{share} sampled: {lost:.1%} of the throughput")
    say(f"100% sampled, {_GONE}: {gone:.1%} of the throughput")
    return {
        "overhead": overhead,
        "collector_gone": gone,
        "results": [result.as_json() for result in results],
    }


def _turn(stand: Stand, method: Method, way: str) -> Measurement:
    if way == _NO_SPANS:
        return measure(stand, CARDWATCH, method, None)
    method = replace(method, records_spans=True)
    if way == _SPANS:
        return measure(stand, CARDWATCH, method, None)
    os.environ[_ENDPOINT] = f"http://{LOOPBACK}:{free_ports(1)[0]}"
    try:
        return measure(stand, CARDWATCH, method, None)
    finally:
        del os.environ[_ENDPOINT]
