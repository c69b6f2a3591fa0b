"""Runs one contender and measures it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from benchmarks.arithmetic import Sample, figures
from benchmarks.contenders import Contender
from benchmarks.errors import BenchError
from benchmarks.measurement import Measurement
from benchmarks.progress import GroupProgress, Offsets, ends_of
from benchmarks.reference import Reference, check
from benchmarks.settings import Method
from benchmarks.stand import Stand
from benchmarks.topics import forget_group
from benchmarks.usage import TreeUsage, stolen_s
from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.topics import ALERTS
from cardwatch_local.reading.topic import read_topic, value_of
from cardwatch_local.service import Service

_EVERY_S: Final = 0.25
_FIRST_PROGRESS_S: Final = 120.0
_WARM_UP_SHARE: Final = 0.3
_WINDOW_SHARE: Final = 0.85
"""How much of the topic warm-up and window may take."""
_SPARE_INTERVALS: Final = 2.5
"""Commits after the window that are waited for, so that it ends between two of them."""


class Running:
    """A contender that runs."""

    def __init__(self, stand: Stand, group: str, servers: Sequence[Service]) -> None:
        self._servers = servers
        self._progress = GroupProgress(stand.bootstrap_servers, group)
        self._own = TreeUsage(server.pid for server in servers if server.pid is not None)
        self._broker = TreeUsage([stand.broker_pid])
        self.samples: list[Sample] = []

    def sample(self) -> Sample:
        """Wait a moment, look, and remember.

        Raises:
            BenchError: a process of the contender has ended.
        """
        time.sleep(_EVERY_S)
        for server in self._servers:
            if not server.is_running:
                raise BenchError(
                    f"{server.name} ended with status {server.exit_code}; {server.why_not_ready()}"
                )
        offsets = self._progress.read() or (self.samples[-1].offsets if self.samples else {})
        own, broker = self._own.read(), self._broker.read()
        look = Sample(
            at_s=time.monotonic(),
            offsets=offsets,
            cpu_s=own.cpu_s,
            broker_cpu_s=broker.cpu_s,
            rss_mb=own.rss_bytes / 1e6,
            stolen_s=stolen_s(),
        )
        self.samples.append(look)
        return look

    def watch_until(self, done: Callable[[Sample], bool], timeout_s: float) -> bool:
        """Sample until `done`, or the time is over; return whether it was done."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if done(self.sample()):
                return True
        return False

    def close(self) -> None:
        """Let go of the connection."""
        self._progress.close()


@contextmanager
def running(stand: Stand, contender: Contender, method: Method) -> Iterator[Running]:
    """Start a contender on fresh topics, wait for its first progress, and stop it at the end.

    Raises:
        BenchError: it ended, or made no progress.
        StackError: it could not be started.
    """
    run = stand.next_run()
    group = contender.group or f"bench-{contender.name.replace('_', '-')}-{run}"
    forget_group(stand.bootstrap_servers, group)
    servers = contender.servers(stand, run, method, group)
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait_ready()
        current = Running(stand, group, servers)
        try:
            if not current.watch_until(
                lambda look: sum(look.offsets.values()) > 0, _FIRST_PROGRESS_S
            ):
                raise BenchError(
                    f"{contender.name} made no progress in {_FIRST_PROGRESS_S:.0f} s; "
                    f"{servers[0].why_not_ready()}"
                )
            yield current
        finally:
            current.close()
    finally:
        for server in servers:
            server.begin_stop()
        for server in servers:
            server.stop()


def measure(
    stand: Stand, contender: Contender, method: Method, reference: Reference | None
) -> Measurement:
    """Run a contender over the filled topic and measure one window.

    Raises:
        BenchError: it could not be measured.
        StackError: it could not be started.
    """
    ends = ends_of(stand.bootstrap_servers)
    total = sum(ends.values())
    with running(stand, contender, method) as current:
        # A fast contender gets a shorter warm-up and window, rather than an end without work.
        current.watch_until(_beyond(_WARM_UP_SHARE * total), method.warm_up_s)
        start_s = time.monotonic()
        current.watch_until(_beyond(_WINDOW_SHARE * total), method.window_s)
        end_s = time.monotonic()
        judged = dict(current.samples[-1].offsets)
        spare_s = _SPARE_INTERVALS * method.commit_interval_s + 1
        current.watch_until(lambda look: _all_moved(judged, look.offsets, ends), spare_s)
    _require_unfinished(contender, judged, ends)
    verdict = None
    if contender.writes_alerts and reference is not None:
        messages = read_topic(stand.bootstrap_servers, ALERTS)
        verdict = check((decode_alert(value_of(m)) for m in messages), reference, judged)
    return Measurement(
        contender=contender.name,
        figures=figures(current.samples, start_s, end_s),
        check=verdict,
        samples=current.samples,
        start_s=start_s,
        end_s=end_s,
    )


def _beyond(transactions: float) -> Callable[[Sample], bool]:
    """Return a condition: more than this is committed."""
    return lambda look: sum(look.offsets.values()) > transactions


def has_passed(ends: Offsets) -> Callable[[Sample], bool]:
    """Return a condition: everything before `ends` is committed."""
    return lambda look: all(look.offsets.get(part, 0) >= end for part, end in ends.items())


def _all_moved(before: Offsets, now: Mapping[int, int], ends: Offsets) -> bool:
    """Whether every partition that is not at its end has a newer commit."""
    return all(now.get(part, 0) > before[part] or before[part] >= ends[part] for part in before)


def _require_unfinished(contender: Contender, judged: Offsets, ends: Offsets) -> None:
    if sum(judged.values()) >= sum(ends.values()):
        raise BenchError(
            f"{contender.name} was through with all {sum(ends.values()):,} transactions before "
            "the window ended: give more with --transactions, or a shorter --window-s"
        )
