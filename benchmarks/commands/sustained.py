"""`sustained`: the job alone, at full load for minutes."""

from typing import Annotated, Any, Final

import typer

from benchmarks.arithmetic import slowest_slice
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
from benchmarks.filled import expected_alerts, filled
from benchmarks.measure import measure
from benchmarks.reference import Reference
from benchmarks.reporting import console, say, write_report
from benchmarks.settings import Method, Stream
from benchmarks.stand import Stand
from benchmarks.table import Result, table_of

EXAMPLES: Final = (
    "python -m benchmarks sustained",
    "python -m benchmarks sustained --window-s 60 --transactions 8000000 --no-check",
)
_SLICE_S: Final = 10.0


def sustained(  # noqa: PLR0913 - each is an option on the command line
    *,
    transactions: Transactions = 50_000_000,
    cards: Cards = 100_000,
    parallelism: Parallelism = 2,
    warm_up_s: WarmUpS = 40.0,
    window_s: WindowS = 300.0,
    commit_interval_s: CommitIntervalS = 5.0,
    check: Annotated[
        bool, typer.Option(help="Hold every alert against those that must be found.")
    ] = True,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure the job at full load for five minutes: its rate, and that of its slowest 10 s."""
    stream = Stream(transactions=transactions, cards=cards, seed=seed)
    method = Method(
        parallelism=parallelism,
        commit_interval_s=commit_interval_s,
        warm_up_s=warm_up_s,
        window_s=window_s,
    )
    with filled(stream) as stand:
        reference = expected_alerts(stand) if check else None
        write_report(report, {"sustained": measure_sustained(stand, reference, method)})


def measure_sustained(stand: Stand, reference: Reference | None, method: Method) -> dict[str, Any]:
    """Run the job over one long window."""
    measurement = measure(stand, CARDWATCH, method, reference)
    slowest = slowest_slice(measurement.samples, measurement.start_s, measurement.end_s, _SLICE_S)
    result = Result.of(CARDWATCH.name, CARDWATCH.guarantee, CARDWATCH.setup, [measurement])
    console.print(table_of([result], title=f"{method.window_s:g} s at full load"))
    say(f"slowest {_SLICE_S:g} s: {slowest:,.0f} tx/s")
    return {
        **result.as_json(),
        "window_s": method.window_s,
        "slowest_10_s_tx_per_s": round(slowest),
    }
