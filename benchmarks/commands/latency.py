"""`latency`: from a transaction to its alert, at a steady rate."""

import time
from typing import Annotated, Any, Final

import typer

from benchmarks.commands.options import CommitIntervalS, LiveCards, Report, Seed, WarmUpS, WindowS
from benchmarks.contenders import CARDWATCH
from benchmarks.errors import BenchError
from benchmarks.latency import AlertWatch, Spread
from benchmarks.live import LiveStream, publishing
from benchmarks.measure import Running, has_passed, running
from benchmarks.progress import ends_of
from benchmarks.reporting import say, write_report
from benchmarks.settings import Method
from benchmarks.stand import Stand

EXAMPLES: Final = (
    "python -m benchmarks latency",
    "python -m benchmarks latency --tps 2000 --cards 200000 --window-s 20",
    "python -m benchmarks latency --commit-interval-s 0.2 --report latency.json",
)
_LATEST_S: Final = 120.0
_SETTLE_S: Final = 2.0
"""From the commit of the window's last transaction, besides a commit interval, until its alert
is in."""


def latency(
    *,
    tps: Annotated[float, typer.Option(min=1, help="Transactions a second.")] = 10_000.0,
    cards: LiveCards = 1_000_000,
    warm_up_s: WarmUpS = 40.0,
    window_s: WindowS = 60.0,
    commit_interval_s: CommitIntervalS = 1.0,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure the time from a transaction to its alert, for both kinds of reader."""
    method = Method(
        commit_interval_s=commit_interval_s, warm_up_s=warm_up_s, window_s=window_s, heap_mb=1024
    )
    stream = LiveStream(tps=tps, cards=cards, seed=seed)
    write_report(report, {"latency": measure_latency(stream, method)})


def measure_latency(stream: LiveStream, method: Method) -> dict[str, Any]:
    """Run the job beside a live stream; return both readers' latencies.

    Raises:
        BenchError: there was no alert in the window.
    """
    with Stand() as stand, publishing(stand, stream), running(stand, CARDWATCH, method) as current:
        watches = {
            "uncommitted": AlertWatch(stand.bootstrap_servers, "read_uncommitted"),
            "committed": AlertWatch(stand.bootstrap_servers, "read_committed"),
        }
        for watch in watches.values():
            watch.start()
        try:
            current.watch_until(lambda _: False, method.warm_up_s)
            _catch_up(stand, current, method)
            start_ms = time.time_ns() // 1_000_000
            current.watch_until(lambda _: False, method.window_s)
            end_ms = time.time_ns() // 1_000_000
            # Alerts that are late must count: all of the window's transactions are waited for.
            _read_up_to_now(stand, current)
            current.watch_until(lambda _: False, method.commit_interval_s + _SETTLE_S)
        finally:
            for watch in watches.values():
                watch.stop()
    figures: dict[str, Any] = {
        "tps": stream.tps,
        "cards": stream.cards,
        "commit_interval_s": method.commit_interval_s,
    }
    for name, watch in watches.items():
        found = watch.between(start_ms, end_ms)
        if not found:
            raise BenchError(f"no alert in {method.window_s:g} s: give a longer --window-s")
        spread = Spread.of(found)
        say(f"{stream.tps:,.0f} tx/s, reader of {name} alerts, {spread}")
        figures[name] = spread.as_json()
    return figures


def _catch_up(stand: Stand, current: Running, method: Method) -> None:
    """Return once the job has read what came while it started and warmed up.

    Raises:
        BenchError: it does not catch up.
    """
    deadline = time.monotonic() + _LATEST_S
    while time.monotonic() < deadline:
        if _read_up_to_now(stand, current) < method.commit_interval_s + _SETTLE_S:
            return
    raise BenchError(f"the job did not catch up within {_LATEST_S:.0f} s: give fewer --tps")


def _read_up_to_now(stand: Stand, current: Running) -> float:
    """Return once all that is published by now is read, with how many seconds that took.

    Raises:
        BenchError: it takes too long.
    """
    began = time.monotonic()
    if not current.watch_until(has_passed(ends_of(stand.bootstrap_servers)), _LATEST_S):
        raise BenchError(f"the job was more than {_LATEST_S:.0f} s behind: give fewer --tps")
    return time.monotonic() - began
