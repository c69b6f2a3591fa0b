"""`tracing`: what recording spans costs."""

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
from benchmarks.table import Result, table_of

EXAMPLES: Final = (
    "python -m benchmarks tracing",
    "python -m benchmarks tracing --rounds 1 --transactions 3000000 --report tracing.json",
)
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
    """Measure each share; return what recording takes of the throughput, 0 to 1, and the rates."""
    overhead, results = {}, []
    for share, sampled_share in _SHARES.items():
        taken: dict[bool, list[Measurement]] = {False: [], True: []}
        with filled(replace(stream, sampled_share=sampled_share)) as stand:
            for _ in range(rounds):
                for recorded, measurements in taken.items():
                    turn = replace(method, records_spans=recorded)
                    measurements.append(measure(stand, CARDWATCH, turn, None))
                    say(f"{share} sampled, spans {recorded}: {measurements[-1]}")
        rates = {on: median(m.figures.tx_per_s for m in taken[on]) for on in taken}
        overhead[share] = round(1 - rates[True] / rates[False], 4)
        results += [
            Result.of(f"{share} sampled, {'with' if on else 'without'} spans", "", "", taken[on])
            for on in taken
        ]
    console.print(table_of(results, title="What recording spans costs"))
    for share, lost in overhead.items():
        say(f"{share} sampled: {lost:.1%} of the throughput")
    return {"overhead": overhead, "results": [result.as_json() for result in results]}
