"""`hot-update`: new thresholds while the job runs at full load."""

import time
from typing import Annotated, Any, Final

import typer

from benchmarks.arithmetic import figures
from benchmarks.commands.options import Cards, CommitIntervalS, Report, Seed, Transactions, WarmUpS
from benchmarks.contenders import CARDWATCH
from benchmarks.filled import filled
from benchmarks.hot_update import Updater, update_repeatedly
from benchmarks.latency import Spread
from benchmarks.measure import running
from benchmarks.reporting import say, write_report
from benchmarks.settings import Method, Stream
from benchmarks.stand import Stand

EXAMPLES: Final = (
    "python -m benchmarks hot-update",
    "python -m benchmarks hot-update --updates 20 --transactions 1000000 --report hot.json",
)
_PAUSE_S: Final = 0.3


def hot_update(
    *,
    updates: Annotated[int, typer.Option(min=1, help="How often thresholds change.")] = 100,
    transactions: Transactions = 8_000_000,
    cards: Cards = 100_000,
    warm_up_s: WarmUpS = 40.0,
    commit_interval_s: CommitIntervalS = 1.0,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure the time from publishing thresholds until every subtask judges by them."""
    method = Method(commit_interval_s=commit_interval_s, warm_up_s=warm_up_s)
    stream = Stream(transactions=transactions, cards=cards, seed=seed)
    with filled(stream) as stand:
        write_report(report, {"hot_update": measure_hot_update(stand, method, updates)})


def measure_hot_update(stand: Stand, method: Method, updates: int) -> dict[str, Any]:
    """Change thresholds again and again while the job is busy with the filled topic."""
    with running(stand, CARDWATCH, method) as current:
        current.watch_until(lambda _: False, method.warm_up_s)
        updater = Updater(stand.bootstrap_servers, method.parallelism)
        try:
            start_s = time.monotonic()
            latencies_ms = update_repeatedly(
                updater, updates, lambda: current.watch_until(lambda _: False, _PAUSE_S)
            )
            end_s = time.monotonic()
        finally:
            updater.close()
        current.watch_until(lambda _: False, 2 * method.commit_interval_s)
    spread = Spread.of(latencies_ms)
    rate = figures(current.samples, start_s, end_s).tx_per_s
    say(f"thresholds in force everywhere, at {rate:,.0f} tx/s, {spread}")
    return {**spread.as_json(), "tx_per_s": round(rate), "subtasks": method.parallelism}
