"""`throughput`: every contender on the same topic, one after another."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from benchmarks.commands.options import (
    Cards,
    CommitIntervalS,
    Report,
    Seed,
    Transactions,
    WarmUpS,
    WindowS,
)
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.filled import filled_stand
from benchmarks.measure import Measurement, measure
from benchmarks.reporting import console, say, write_report
from benchmarks.settings import Method, Stream
from benchmarks.table import Result, table_of

EXAMPLES: Final = (
    "python -m benchmarks throughput",
    "python -m benchmarks throughput --contender cardwatch --contender plain_loop --rounds 3",
    "python -m benchmarks throughput --transactions 300000 --window-s 5 --report bench.json",
)


def throughput(  # noqa: PLR0913 - each is an option on the command line
    *,
    contender: Annotated[
        list[str] | None, typer.Option(help="Only these, by name; may be repeated.")
    ] = None,
    transactions: Transactions = 3_000_000,
    cards: Cards = 100_000,
    seed: Seed = 1,
    rounds: Annotated[int, typer.Option(min=1, help="How often each runs, in turn.")] = 1,
    parallelism: Annotated[
        int, typer.Option(min=1, max=12, help="Slots or processes of each.")
    ] = 2,
    warm_up_s: WarmUpS = 10.0,
    window_s: WindowS = 20.0,
    commit_interval_s: CommitIntervalS = 5.0,
    report: Report = None,
) -> None:
    """Measure every contender on the same topic, one after another, and compare them."""
    stream = Stream(transactions=transactions, cards=cards, seed=seed)
    method = Method(
        parallelism=parallelism,
        commit_interval_s=commit_interval_s,
        warm_up_s=warm_up_s,
        window_s=window_s,
    )
    results = compare(_chosen(contender), stream, method, rounds=rounds)
    console.print(table_of(results, title=_title(stream, method)))
    write_report(report, {"results": [result.as_json() for result in results]})


def compare(
    contenders: Sequence[Contender], stream: Stream, method: Method, *, rounds: int
) -> list[Result]:
    """Measure contenders in alternating rounds on one filled topic."""
    measured: dict[str, list[Measurement]] = {}
    with filled_stand(stream) as (stand, reference):
        for number in range(1, rounds + 1):
            for contender in contenders:
                measurement = measure(stand, contender, method, reference)
                measured.setdefault(contender.name, []).append(measurement)
                say(f"round {number}: {summary(measurement)}")
    return [_result(contender, measured[contender.name]) for contender in contenders]


def summary(measurement: Measurement) -> str:
    """Return one measurement in a line."""
    figures = measurement.figures
    return (
        f"{measurement.contender}: {figures.tx_per_s:,.0f} tx/s, "
        f"{figures.cpu_us_per_tx:.1f} µs CPU a transaction, {figures.peak_rss_mb:,.0f} MB"
    )


def _chosen(names: list[str] | None) -> list[Contender]:
    if not names:
        return [contender for contender in CONTENDERS.values()]
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r}: there are {', '.join(CONTENDERS)}")
    return [CONTENDERS[name] for name in names]


def _result(contender: Contender, measurements: Sequence[Measurement]) -> Result:
    return Result(
        name=contender.name,
        guarantee=contender.guarantee,
        setup=contender.setup,
        rounds=[measurement.figures for measurement in measurements],
        checks=[m.check for m in measurements if m.check is not None],
    )


def _title(stream: Stream, method: Method) -> str:
    return (
        f"{stream.cards:,} cards, parallelism {method.parallelism}, commits every "
        f"{method.commit_interval_s:g} s, windows of {method.window_s:g} s"
    )
