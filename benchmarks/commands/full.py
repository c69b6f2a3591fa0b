"""`full`: every figure, one benchmark after another, in one report."""

from typing import Annotated, Final

import typer

from benchmarks.commands.beside_generator import measure_beside_generator
from benchmarks.commands.growth import measure_growth
from benchmarks.commands.hot_update import measure_hot_update
from benchmarks.commands.latency import measure_latency
from benchmarks.commands.options import Report, Seed
from benchmarks.commands.sustained import measure_sustained
from benchmarks.commands.throughput import compare, table
from benchmarks.contenders import CONTENDERS
from benchmarks.filled import filled
from benchmarks.live import LiveStream
from benchmarks.reporting import console, say, write_report
from benchmarks.settings import Method, Stream

EXAMPLES: Final = (
    "python -m benchmarks full --report bench.json",
    "python -m benchmarks full --rounds 5 --sustained-transactions 30000000",
)
_WARM_UP_S: Final = 40.0
"""Until the JVMs have compiled most of what they run."""


def full(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="How often each contender runs.")] = 3,
    transactions: Annotated[
        int, typer.Option(min=100_000, help="In the topic of all but the long run.")
    ] = 8_000_000,
    sustained_transactions: Annotated[
        int, typer.Option(min=100_000, help="In the topic of the long run of 5 minutes.")
    ] = 50_000_000,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure everything: the peers, the long run, latencies, hot updates and growth."""
    stream = Stream(transactions=transactions, seed=seed)
    usual = Method(warm_up_s=_WARM_UP_S, window_s=30.0)
    quick = Method(commit_interval_s=1.0, warm_up_s=_WARM_UP_S)
    findings: dict[str, object] = {}
    say("1 of 6: the peers")
    results = compare(list(CONTENDERS.values()), stream, usual, rounds=rounds)
    console.print(table(results, stream, usual))
    findings["results"] = [result.as_json() for result in results]
    write_report(report, findings)
    say("2 of 6: five minutes at full load")
    long = Stream(transactions=sustained_transactions, seed=seed)
    findings["sustained"] = measure_sustained(
        long, Method(warm_up_s=_WARM_UP_S, window_s=300.0), check=True
    )
    write_report(report, findings)
    say("3 of 6: hot updates")
    with filled(stream) as stand:
        findings["hot_update"] = measure_hot_update(stand, quick, updates=100)
    write_report(report, findings)
    say("4 of 6: latency")
    findings["latency"] = measure_latency(
        LiveStream(tps=10_000.0, cards=1_000_000, seed=seed),
        Method(commit_interval_s=1.0, warm_up_s=_WARM_UP_S, window_s=60.0, heap_mb=1024),
    )
    write_report(report, findings)
    say("5 of 6: beside a load generator")
    findings["beside_generator"] = measure_beside_generator(
        50_000.0, stream.cards, Method(warm_up_s=_WARM_UP_S, window_s=60.0), seed=seed
    )
    write_report(report, findings)
    say("6 of 6: growth")
    findings["growth"] = measure_growth(stream, usual)
    write_report(report, findings)
