"""`beside-generator`: the job keeps up while the stream is made on the same cores."""

from typing import Annotated, Any, Final

import typer

from benchmarks.arithmetic import figures
from benchmarks.commands.options import CommitIntervalS, LiveCards, Report, Seed, WarmUpS, WindowS
from benchmarks.contenders import CARDWATCH
from benchmarks.live import LiveStream, publishing
from benchmarks.measure import running
from benchmarks.progress import ends_of
from benchmarks.reporting import say, write_report
from benchmarks.settings import Method
from benchmarks.stand import Stand

EXAMPLES: Final = (
    "python -m benchmarks beside-generator",
    "python -m benchmarks beside-generator --tps 20000 --cards 800000 --window-s 20",
)


def beside_generator(
    *,
    tps: Annotated[float, typer.Option(min=1, help="Transactions a second.")] = 50_000.0,
    cards: LiveCards = 2_000_000,
    processes: Annotated[int, typer.Option(min=1, max=16, help="Generators.")] = 2,
    warm_up_s: WarmUpS = 40.0,
    window_s: WindowS = 60.0,
    commit_interval_s: CommitIntervalS = 5.0,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure whether the job keeps up with generators that run on the same cores."""
    method = Method(
        commit_interval_s=commit_interval_s, warm_up_s=warm_up_s, window_s=window_s, heap_mb=2048
    )
    stream = LiveStream(tps=tps, cards=cards, processes=processes, seed=seed)
    write_report(report, {"beside_generator": measure_beside_generator(stream, method)})


def measure_beside_generator(stream: LiveStream, method: Method) -> dict[str, Any]:
    """Run the job beside a live stream; return what was published, judged, and is left over."""
    with Stand() as stand, publishing(stand, stream), running(stand, CARDWATCH, method) as current:
        current.watch_until(lambda _: False, method.warm_up_s)
        start = current.sample()
        published = sum(ends_of(stand.bootstrap_servers).values())
        current.watch_until(lambda _: False, method.window_s)
        end = current.sample()
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
        "asked_tx_per_s": stream.tps,
        "published_tx_per_s": round(published_per_s),
        "judged_tx_per_s": round(result.tx_per_s),
        "uncommitted_at_end": behind,
        "cards": stream.cards,
        "cpu_us_per_tx": round(result.cpu_us_per_tx, 2),
        "peak_rss_mb": round(result.peak_rss_mb),
    }
