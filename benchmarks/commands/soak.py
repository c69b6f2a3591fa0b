"""`soak`: the visualizer's live page, open ten times under a thousand alerts a second."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import typer
from tests.integration.conftest import fetch_jars

from benchmarks.commands.options import Report, Seed
from benchmarks.reporting import say, write_report
from benchmarks.soak import Bench, Soaked, running_bench
from benchmarks.soak import soak as soak_at
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack import Stack

EXAMPLES: Final = (
    "python -m benchmarks soak",
    "python -m benchmarks soak --seconds 60 --pages 2 --no-ramp --report soak.json",
)
_STEP_S: Final = 30.0
_FASTEST: Final = 64_000
_LATE_MS: Final = 2_000.0
_COUNTED_SHARE: Final = 0.95


def soak(
    *,
    seconds: Annotated[float, typer.Option(min=5, help="How long it is measured.")] = 600.0,
    rate: Annotated[float, typer.Option(min=1, help="Alerts a second.")] = 1_000.0,
    pages: Annotated[int, typer.Option(min=1, max=30, help="Open pages.")] = 10,
    ramp: Annotated[
        bool, typer.Option(help="Double the rate afterwards until pages lag behind.")
    ] = True,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Soak the live page: what it misses, how late it is, and what server and browser take."""
    with _stack() as stack, running_bench(stack, pages, seed=seed) as bench:
        say(f"{pages} pages are open; {rate:,.0f} alerts a second for {seconds:,.0f} s")
        found = soak_at(bench, rate_per_s=rate, seconds=seconds)
        _tell(found)
        if lags(found):
            say(f"at {rate:,.0f} alerts a second it lags behind")
        steps = _ramp(bench, 2 * rate) if ramp and not lags(found) else []
    write_report(
        report, {"pages": pages, **found.as_json(), "ramp": [each.as_json() for each in steps]}
    )


def _ramp(bench: Bench, rate: float) -> list[Soaked]:
    """Double the rate until pages lag behind."""
    steps = []
    while rate <= _FASTEST:
        found = soak_at(bench, rate_per_s=rate, seconds=_STEP_S, looks=1)
        _tell(found)
        steps.append(found)
        if lags(found):
            say(f"at {rate:,.0f} alerts a second it lags behind; at half of that it does not")
            break
        rate *= 2
    return steps


def lags(found: Soaked) -> bool:
    """Return whether pages were behind: late ticks, or alerts that were not counted in time."""
    late_ms = found.late.p50_ms if found.late is not None else _LATE_MS
    return late_ms >= _LATE_MS or found.counted < _COUNTED_SHARE * found.sent


def _tell(found: Soaked) -> None:
    say(
        f"{found.sent:,} alerts in {found.seconds:,.0f} s ({found.rate_per_s:,.0f} a second), "
        f"{found.counted:,} counted; {found.ticks:,} ticks, missed by pages: {found.missed}"
    )
    say(f"  ticks in pages after they were made: {found.late or 'none came'}")
    for name, cores in found.cores.items():
        memory = found.memory_mb[name]
        say(f"  {name}: {cores:.2f} cores, {memory[0]:,.0f} MB, at last {memory[-1]:,.0f} MB")
    first, last = found.pages[0], found.pages[-1]
    say(
        f"  the mean page: {first['heap_mb']:.1f} MB of heap at first, {last['heap_mb']:.1f} MB at "
        f"last; {first['nodes']:,.0f} nodes, then {last['nodes']:,.0f}"
    )


@contextmanager
def _stack() -> Iterator[Stack]:
    """Run a whole stack in a temporary folder."""
    home = Path(tempfile.mkdtemp(prefix="cardwatch-bench-"))
    (home / "jars").symlink_to(fetch_jars().absolute())
    try:
        with Stack(StackSettings(home=home, name="soak")) as stack:
            yield stack
    finally:
        with suppress(OSError):
            (home / "jars").unlink()
        shutil.rmtree(home, ignore_errors=True)
