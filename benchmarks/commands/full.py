"""`full`: every figure, one benchmark after another, in one report."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from benchmarks.commands.beside_generator import measure_beside_generator
from benchmarks.commands.growth import measure_growth
from benchmarks.commands.hot_update import measure_hot_update
from benchmarks.commands.latency import measure_latency
from benchmarks.commands.options import Report, Seed, check_names
from benchmarks.commands.sustained import measure_sustained
from benchmarks.commands.throughput import compare, table
from benchmarks.commands.tracing import by_figure, measure_tracing
from benchmarks.contenders import CONTENDERS
from benchmarks.filled import expected_alerts, filled
from benchmarks.live import LiveStream
from benchmarks.reporting import console, say, write_report
from benchmarks.settings import Method, Stream

EXAMPLES: Final = (
    "python -m benchmarks full --report bench.json",
    "python -m benchmarks full --rounds 3 --transactions 30000000",
    "python -m benchmarks full --part sustained --part spans",
)
_WARM_UP_S: Final = 50.0
"""Until the JVMs have compiled most of what they run."""
_LONG: Final = Method(warm_up_s=_WARM_UP_S, window_s=300.0)
_USUAL: Final = Method(warm_up_s=_WARM_UP_S, window_s=30.0)
_QUICK: Final = Method(commit_interval_s=1.0, warm_up_s=_WARM_UP_S)
"""With as many checkpoints as `cardwatch up` makes."""
_LIVE: Final = Method(commit_interval_s=1.0, warm_up_s=_WARM_UP_S, window_s=60.0, heap_mb=1024)
_LONG_WARM_UP_S: Final = 100.0
"""The compilers have only what the generator leaves. Seconds."""
_TIMES: Final = 26
"""How often spans are recorded."""
_SAMPLED: Final = "1%"
"""Of the transactions in the topic, by `Stream`'s default."""
_ON_ONE_TOPIC: Final = ("sustained", "peers", "hot-updates", "spans")
_HELD: Final = {"sustained", "peers"}
_PARTS: Final = (*_ON_ONE_TOPIC, "latency", "beside-generator", "growth")


def full(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="How often each contender runs.")] = 1,
    transactions: Annotated[
        int, typer.Option(min=1_000_000, help="In the topic of all but latency and growth.")
    ] = 50_000_000,
    growth_transactions: Annotated[
        int, typer.Option(min=100_000, help="In each topic of the runs that show growth.")
    ] = 6_000_000,
    part: Annotated[
        list[str] | None,
        typer.Option(help=f"Only this one of {', '.join(_PARTS)}; may be repeated."),
    ] = None,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure everything: the long run, the peers, updates, spans, latencies and growth."""
    check_names(part or (), _PARTS)
    parts = [each for each in _PARTS if each in (part or _PARTS)]
    findings: dict[str, object] = {}

    def found(name: str, value: object) -> None:
        findings[name] = value
        write_report(report, findings)

    stream = Stream(transactions=transactions, seed=seed)
    if together := [each for each in parts if each in _ON_ONE_TOPIC]:
        _measure_on_one_topic(together, stream, rounds, found)
    if "latency" in parts:
        say("latency")
        live = LiveStream(tps=10_000.0, cards=1_000_000, seed=seed)
        found("latency", measure_latency(live, _LIVE))
    if "beside-generator" in parts:
        say("beside a load generator")
        beside = Method(warm_up_s=_LONG_WARM_UP_S, window_s=60.0)
        found(
            "beside_generator", measure_beside_generator(50_000.0, stream.cards, beside, seed=seed)
        )
    if "growth" in parts:
        say("growth")
        growing = Stream(transactions=growth_transactions, seed=seed)
        found("growth", measure_growth(growing, Method(warm_up_s=40.0, window_s=15.0)))


def _measure_on_one_topic(
    parts: Sequence[str], stream: Stream, rounds: int, found: Callable[[str, object], None]
) -> None:
    with filled(stream) as stand:
        # It takes minutes: only for those whose alerts are held against it.
        reference = {} if _HELD.isdisjoint(parts) else expected_alerts(stand)
        if "sustained" in parts:
            say("five minutes at full load")
            found("sustained", measure_sustained(stand, reference, _LONG))
        if "peers" in parts:
            say("the peers")
            results = compare(stand, reference, list(CONTENDERS.values()), _USUAL, rounds=rounds)
            console.print(table(results, stream, _USUAL))
            found("results", [result.as_json() for result in results])
        if "hot-updates" in parts:
            say("hot updates")
            found("hot_update", measure_hot_update(stand, _QUICK, updates=100))
        if "spans" in parts:
            say("spans")
            spans = measure_tracing(stand, _USUAL, _SAMPLED, _TIMES)
            found("tracing", by_figure({_SAMPLED: spans}))
