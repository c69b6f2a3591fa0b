"""Live pages under a stream of alerts: what they miss, how late they are, what all of it takes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from benchmarks.alert_flow import AlertFlow
from benchmarks.latency import Spread
from benchmarks.open_pages import OpenPage, OpenPages, open_pages
from benchmarks.tick_watch import TickWatch
from benchmarks.usage import TreeUsage, Usage
from cardwatch_local.stack import Stack

_TEND_S: Final = 1.0
_MB: Final = 1e6
_SETTLE_S: Final = 20.0


class Bench:
    """A running stack with open pages, alerts on demand, and somebody who reads along.

    Args:
        stack: it must be tended.
        pages: open.
        flow: of alerts.
        watch: reads all ticks.
        pids: of the stack's servers, by name.
    """

    def __init__(
        self,
        stack: Stack,
        pages: OpenPages,
        flow: AlertFlow,
        watch: TickWatch,
        pids: dict[str, int],
    ) -> None:
        self._stack = stack
        self.pages = pages
        self.flow = flow
        self.watch = watch
        self.usages = {
            "visualizer": TreeUsage([pids["visualizer"]]),
            "browser": TreeUsage([pages.browser]),
        }

    def wait(self, seconds: float) -> None:
        """Keep the stack running for a time."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._stack.tend()
            time.sleep(min(_TEND_S, max(0.0, until_s - time.monotonic())))

    def usage(self) -> dict[str, Usage]:
        """Return what the visualizer's and the browser's processes have used."""
        return {name: usage.read() for name, usage in self.usages.items()}

    def late(self) -> Spread | None:
        """Return how late ticks were in pages since this was asked last; None: there were none."""
        late_ms = [late for page in self.pages.pages for late in page.late_ms()]
        return Spread.of(late_ms) if late_ms else None

    def missed(self) -> int:
        """Return how many ticks any page has missed, of all that came after its first."""
        written = self.watch.numbers[:]
        return sum(missed_by(page.numbers(), written) for page in self.pages.pages)


def missed_by(had: Sequence[str], written: Sequence[str]) -> int:
    """Return how many of the ticks written between a page's first and last it did not have.

    Args:
        had: numbers of what the page was sent, snapshots among them.
        written: numbers of all ticks, in order.
    """
    if not had:
        return len(written)
    known = set(had)
    first, last = _order(had[0]), _order(had[-1])
    return sum(number not in known for number in written if first <= _order(number) <= last)


def _order(number: str) -> tuple[int, int]:
    at, _, rest = number.partition("-")
    return int(at), int(rest)


@contextmanager
def running_bench(stack: Stack, count: int, *, seed: int) -> Iterator[Bench]:
    """Open `count` pages of a running stack, with a first alert in each."""
    state = stack.status()
    assert state is not None and state.endpoints is not None, "it has started"
    pids = {service.name: service.pid for service in state.services if service.pid is not None}
    flow = AlertFlow(state.endpoints.bootstrap_servers, seed=seed)
    watch = TickWatch(state.endpoints.valkey_url)
    flow.start(10)
    watch.start()
    try:
        with open_pages(state.endpoints.visualizer_url, count) as pages:
            flow.stop()
            yield Bench(stack, pages, flow, watch, pids)
    finally:
        flow.close()
        watch.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """What was found at one rate."""

    rate_per_s: float
    seconds: float
    sent: int
    counted: int
    """By the collector, of those."""
    ticks: int
    missed: int
    late: Spread | None
    cores: dict[str, float]
    """CPU of the visualizer's processes and of the browser's, in cores."""
    memory_mb: dict[str, list[float]]
    """The same processes' resident memory: when it began, and at each fifth. MB."""
    pages: list[dict[str, float]]
    """Of the mean page, at the same times: heap in MB, nodes, listeners."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures for other programs."""
        return {
            "rate_per_s": self.rate_per_s,
            "seconds": round(self.seconds, 1),
            "sent": self.sent,
            "counted": self.counted,
            "ticks": self.ticks,
            "missed_ticks": self.missed,
            "late": None if self.late is None else self.late.as_json(),
            "cores": {name: round(cores, 2) for name, cores in self.cores.items()},
            "memory_mb": self.memory_mb,
            "mean_page": self.pages,
        }


def soak(bench: Bench, *, rate_per_s: float, seconds: float, looks: int = 5) -> Soaked:
    """Send alerts for a time, and look at everything in between.

    Args:
        bench: with open pages.
        rate_per_s: alerts a second.
        seconds: for how long, after a while in which caches fill.
        looks: how often memory is looked at, the beginning not counted.
    """
    bench.flow.start(rate_per_s)
    bench.wait(min(_SETTLE_S, seconds))
    bench.late()
    began, usage = time.monotonic(), bench.usage()
    sent, counted, ticks = bench.flow.sent, bench.watch.alerts, len(bench.watch.numbers)
    memory = {name: [round(each.rss_bytes / _MB, 1)] for name, each in usage.items()}
    pages = [_mean(bench.pages.pages)]
    for _ in range(looks):
        bench.wait(seconds / looks)
        for name, each in bench.usage().items():
            memory[name].append(round(each.rss_bytes / _MB, 1))
        pages.append(_mean(bench.pages.pages))
    took, after = time.monotonic() - began, bench.usage()
    found = Soaked(
        rate_per_s=rate_per_s,
        seconds=took,
        sent=bench.flow.sent - sent,
        counted=bench.watch.alerts - counted,
        ticks=len(bench.watch.numbers) - ticks,
        missed=bench.missed(),
        late=bench.late(),
        cores={name: (after[name].cpu_s - usage[name].cpu_s) / took for name in after},
        memory_mb=memory,
        pages=pages,
    )
    bench.flow.stop()
    return found


def _mean(pages: Sequence[OpenPage]) -> dict[str, float]:
    uses = [page.use() for page in pages]
    return {
        "heap_mb": round(fmean(use.heap_bytes for use in uses) / _MB, 2),
        "nodes": round(fmean(use.nodes for use in uses)),
        "listeners": round(fmean(use.listeners for use in uses)),
    }
