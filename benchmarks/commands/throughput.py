"""`throughput`: every contender on the same topic, one after another."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.table import Table

from benchmarks.commands.options import (
    Cards,
    CommitIntervalS,
    Parallelism,
    Report,
    Seed,
    Transactions,
    WarmUpS,
    WindowS,
    check_names,
)
from benchmarks.contenders import CONTENDERS, NAIVE_MODES, Contender
from benchmarks.filled import expected_alerts, filled
from benchmarks.measure import measure
from benchmarks.measurement import Measurement
from benchmarks.reference import Reference
from benchmarks.reporting import console, say, write_report
from benchmarks.settings import Method, Stream
from benchmarks.stand import Stand
from benchmarks.table import Result, table_of, with_best_as

EXAMPLES: Final = (
    "python -m benchmarks throughput",
    "python -m benchmarks throughput --contender cardwatch --contender plain_loop --rounds 3",
    "python -m benchmarks throughput --transactions 300000 --window-s 5 --report bench.json",
)
_NAIVE: Final = "naive_pyflink"


def throughput(  # noqa: PLR0913 - each is an option on the command line
    *,
    contender: Annotated[
        list[str] | None, typer.Option(help="Only these, by name; may be repeated.")
    ] = None,
    transactions: Transactions = 4_000_000,
    cards: Cards = 100_000,
    seed: Seed = 1,
    rounds: Annotated[int, typer.Option(min=1, help="How often each runs, in turn.")] = 1,
    parallelism: Parallelism = 2,
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
    contenders = _chosen(contender)
    with filled(stream) as stand:
        results = compare(stand, expected_alerts(stand), contenders, method, rounds=rounds)
    console.print(table(results, stream, method))
    write_report(report, {"results": [result.as_json() for result in results]})


def compare(
    stand: Stand,
    reference: Reference,
    contenders: Sequence[Contender],
    method: Method,
    *,
    rounds: int,
) -> list[Result]:
    """Measure contenders in alternating rounds on one filled topic."""
    measured: dict[str, list[Measurement]] = {}
    for number in range(1, rounds + 1):
        for contender in contenders:
            measurement = measure(stand, contender, method, reference)
            measured.setdefault(contender.name, []).append(measurement)
            say(f"round {number}: {measurement}")
    results = [
        Result.of(contender.name, contender.guarantee, contender.setup, measured[contender.name])
        for contender in contenders
    ]
    return with_best_as(_NAIVE, NAIVE_MODES, results)


def _chosen(names: list[str] | None) -> list[Contender]:
    if not names:
        return [c for c in CONTENDERS.values() if not c.only_when_named]
    check_names(names, CONTENDERS)
    return [CONTENDERS[name] for name in names]


def table(results: Sequence[Result], stream: Stream, method: Method) -> Table:
    """Return the comparison for a terminal."""
    title = (
        f"{stream.cards:,} cards, parallelism {method.parallelism}, commits every "
        f"{method.commit_interval_s:g} s, windows of {method.window_s:g} s"
    )
    return table_of(results, title=title)
