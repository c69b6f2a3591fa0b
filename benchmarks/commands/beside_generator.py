"""`beside-generator`: the job keeps up while the stream is published on the same cores."""

from contextlib import ExitStack
from typing import Annotated, Any, Final

import typer

from benchmarks.arithmetic import figures
from benchmarks.commands.options import Cards, CommitIntervalS, Report, Seed, WarmUpS, WindowS
from benchmarks.contenders import CARDWATCH
from benchmarks.errors import BenchError
from benchmarks.fill import fill
from benchmarks.measure import running
from benchmarks.progress import ends_of
from benchmarks.recorded import publishing_recorded, record
from benchmarks.reporting import say, write_report
from benchmarks.settings import Method, Stream
from benchmarks.stand import Stand

EXAMPLES: Final = (
    "python -m benchmarks beside-generator",
    "python -m benchmarks beside-generator --tps 20000 --warm-up-s 20 --window-s 20",
)
_SPARE_S: Final = 30.0
"""Of load besides warm-up and window: until the last commits. Seconds."""
_FIRST: Final = 10_000
"""Transactions in the topic before the load begins, for the job to start with."""


def beside_generator(
    *,
    tps: Annotated[float, typer.Option(min=1, help="Transactions a second.")] = 50_000.0,
    cards: Cards = 100_000,
    warm_up_s: WarmUpS = 40.0,
    window_s: WindowS = 60.0,
    commit_interval_s: CommitIntervalS = 5.0,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure whether the job keeps up with a load generator on the same cores."""
    method = Method(commit_interval_s=commit_interval_s, warm_up_s=warm_up_s, window_s=window_s)
    measured = measure_beside_generator(tps, cards, method, seed=seed)
    write_report(report, {"beside_generator": measured})


def measure_beside_generator(
    tps: float, cards: int, method: Method, *, seed: int = 1
) -> dict[str, Any]:
    """Run the job beside a steady load; return what was published, judged, and is left over."""
    transactions = int(tps * (method.warm_up_s + method.window_s + _SPARE_S))
    with Stand() as stand, ExitStack() as opened:
        files = record(stand, Stream(transactions=transactions, cards=cards, seed=seed))
        fill(stand.bootstrap_servers, Stream(transactions=_FIRST, cards=cards, seed=seed + 1))
        current = opened.enter_context(running(stand, CARDWATCH, method))
        load = opened.enter_context(publishing_recorded(stand, files, tps))
        current.watch_until(lambda _: False, method.warm_up_s)
        start = current.sample()
        published = sum(ends_of(stand.bootstrap_servers).values())
        current.watch_until(lambda _: False, method.window_s)
        end = current.sample()
        if not load.is_running:
            raise BenchError("the load ended before the window did")
        ends = sum(ends_of(stand.bootstrap_servers).values())
        current.watch_until(lambda _: False, 2 * method.commit_interval_s + 1)
    seconds = end.at_s - start.at_s
    result = figures(current.samples, start.at_s, end.at_s)
    published_per_s = (ends - published) / seconds
    behind = ends - sum(end.offsets.values())
    say(
        f"{published_per_s:,.0f} tx/s published, {result.tx_per_s:,.0f} tx/s judged, "
        f"{behind:,} not committed yet at the end"
    )
    return {
        "asked_tx_per_s": tps,
        "published_tx_per_s": round(published_per_s),
        "judged_tx_per_s": round(result.tx_per_s),
        "uncommitted_at_end": behind,
        "cards": cards,
        "cpu_us_per_tx": round(result.cpu_us_per_tx, 2),
        "peak_rss_mb": round(result.peak_rss_mb),
    }
