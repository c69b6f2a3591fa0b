"""One pass of the stream through the running job."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from confluent_kafka import TopicPartition

from benchmarks.errors import BenchError
from benchmarks.latency import AlertWatch, Spread
from benchmarks.progress import ends_of
from benchmarks.scorecard.configs import IN_THE_SHADOW, Pair, judge_worlds
from benchmarks.scorecard.feed import Feed
from benchmarks.scorecard.job import Job, job_running
from benchmarks.scorecard.marks import MARKS
from benchmarks.scorecard.onlooker import onlooker, told_of
from benchmarks.scorecard.protocol import Rows, Step, steps
from benchmarks.scorecard.records import World
from benchmarks.scorecard.seen import Said
from benchmarks.settings import Method
from cardwatch_contracts.detector_config import Detectors
from cardwatch_contracts.topics import ALERTS, DEAD_LETTERS
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.topic import read_topic
from cardwatch_local.training.payments import Payments

_SETTLE_S: Final = 3.0
"""From the last payment of the timed ones until the last reader must have its alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What goes through the job in one pass."""

    payments: Payments
    """The stream, labels as they become known."""
    edges: Sequence[int]
    """Where each step begins, and where the last ends."""
    test_begins_ms: int
    """When the models begin to judge; up to the end of the last step."""
    pairs: Mapping[World, Pair]
    """Which models judge which world; none: rules alone judge one, without labels."""
    backlog: int = 0
    """Payments behind the test week that are sent at once, in all worlds together, to see how many
    a second it judges."""
    timed_s: float = 0.0
    """How long payments behind those are sent at a steady rate, to see how long an alert takes."""
    timed_per_s: float = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What came of a pass."""

    said: Mapping[str, Said]
    """By bank."""
    payments: int
    """Of all worlds together."""
    seconds: float
    """From the first payment sent to the last alert."""
    test_tx_per_s: float | None = None
    """In the test week, from each step's first payment sent to its last alert; labels apart. None:
    rules alone, whose alerts do not say when all is judged."""
    swap_ms: float | None = None
    """From publishing the trained models until every subtask judged with them. Milliseconds."""
    backlog_tx_per_s: float | None = None
    latency_ms: Mapping[str, Spread] = field(default_factory=dict)
    """By kind of reader: `uncommitted`, `committed`."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures of the pass without what was said."""
        return {
            "worlds": len(self.said),
            "payments": self.payments,
            "seconds": round(self.seconds, 1),
            "tx_per_s": round(self.payments / self.seconds),
            "test_week_tx_per_s": _rounded(self.test_tx_per_s),
            "backlog_tx_per_s": _rounded(self.backlog_tx_per_s),
            "swap_ms": _rounded(self.swap_ms),
            "latency_ms": {name: spread.as_json() for name, spread in self.latency_ms.items()},
        }

    def __str__(self) -> str:
        parts = [f"{self.payments:,} payments of {len(self.said)} worlds in {self.seconds:,.0f} s"]
        if self.test_tx_per_s is not None:
            parts.append(f"in the test week {self.test_tx_per_s:,.0f} tx/s")
        if self.swap_ms is not None:
            parts.append(f"models swapped in {self.swap_ms:,.0f} ms")
        if self.backlog_tx_per_s is not None:
            parts.append(f"{self.backlog_tx_per_s:,.0f} tx/s without a pause")
        parts += [f"{name} alerts {spread}" for name, spread in self.latency_ms.items()]
        return "; ".join(parts)


RULES_ALONE: Final = World("rules")


def pass_through(plan: Plan, method: Method, listener: StepListener) -> Passed:
    """Start a job, have the stream judged by it, and stop it.

    Raises:
        BenchError: the job does not do what it is asked.
        StackError: it does not start.
    """
    worlds = tuple(plan.pairs) or (RULES_ALONE,)
    with job_running(method) as job:
        feed = Feed(job.bootstrap_servers, plan.payments, worlds, check=job.check)
        try:
            passed = _Pass(plan, job, feed, worlds).run(listener)
        finally:
            feed.close()
        dead = next(read_topic(job.bootstrap_servers, DEAD_LETTERS), None)
        if dead is not None:
            raise BenchError(f"the job refused records: {dead.value()!r}")
    return passed


class _Pass:
    def __init__(self, plan: Plan, job: Job, feed: Feed, worlds: tuple[World, ...]) -> None:
        self._plan = plan
        self._job = job
        self._feed = feed
        self._worlds = worlds
        self._swap_ms: float | None = None
        self._tested = 0
        self._test_s = 0.0

    def run(self, listener: StepListener) -> Passed:
        plan = self._plan
        if plan.pairs:
            first, *others = self._worlds
            said = {first: Pair(model=onlooker()), MARKS: Pair(model=told_of())}
            unsaid = dict.fromkeys(others, Pair(model=onlooker(), threshold=1.0))
            judge_worlds(self._job.bootstrap_servers, said | unsaid, rules=IN_THE_SHADOW)
        name = f"{len(self._worlds)} × the stream through the job"
        todo = list(steps(plan.payments, plan.edges))
        listener.started(name, sum(len(step.payments) for step in todo))
        began_s, done = time.monotonic(), 0
        for step in todo:
            self._step(step)
            done += len(step.payments)
            listener.advanced(name, done)
        if not plan.pairs:
            self._feed.wait_judged()
        seconds = time.monotonic() - began_s
        listener.finished(name)
        backlog = self._backlog() if plan.pairs and plan.backlog else None
        latency = self._timed() if plan.pairs and plan.timed_s else {}
        return Passed(
            said=self._feed.seen.of,
            payments=done * len(self._worlds),
            seconds=seconds,
            test_tx_per_s=self._tested / self._test_s if self._test_s else None,
            swap_ms=self._swap_ms,
            backlog_tx_per_s=backlog,
            latency_ms=latency,
        )

    def _step(self, step: Step) -> None:
        if not self._plan.pairs:
            self._feed.pay(step.payments)
            return
        is_tested = step.begins_ms >= self._plan.test_begins_ms
        if self._swap_ms is None and is_tested:
            self._swap_ms = 1000 * judge_worlds(
                self._job.bootstrap_servers, self._plan.pairs, rules=Detectors()
            )
        if len(step.labels):
            self._feed.tell(step.labels)
            self._feed.wait_heard(step.begins_ms)
        began_s = time.monotonic()
        self._feed.pay(step.payments)
        self._feed.wait_alerts(step.payments, self._worlds if is_tested else self._worlds[:1])
        if is_tested:
            self._tested += len(step.payments) * len(self._worlds)
            self._test_s += time.monotonic() - began_s
        else:
            self._feed.wait_marked(step.ends_ms)

    def _backlog(self) -> float:
        """Return how many payments a second are judged when there are always more. All worlds'."""
        rows = self._after_the_test(0, self._plan.backlog)
        began_s = time.monotonic()
        self._feed.pay(rows)
        self._feed.wait_alerts(rows, self._worlds)
        return len(rows) * len(self._worlds) / (time.monotonic() - began_s)

    def _timed(self) -> dict[str, Spread]:
        """Return how long alerts take at a steady rate, each payment with one."""
        plan = self._plan
        rows = self._after_the_test(plan.backlog, round(plan.timed_s * plan.timed_per_s))
        servers = self._job.bootstrap_servers
        start = [
            TopicPartition(ALERTS.name, partition, end)
            for partition, end in ends_of(servers, ALERTS).items()
        ]
        watches = {
            "uncommitted": AlertWatch(servers, "read_uncommitted", start=start),
            "committed": AlertWatch(servers, "read_committed", start=start),
        }
        for watch in watches.values():
            watch.start()
        try:
            start_ms = time.time_ns() // 1_000_000
            self._feed.pay(rows, per_s=plan.timed_per_s / len(self._worlds))
            self._feed.wait_alerts(rows, self._worlds)
            time.sleep(_SETTLE_S)
        finally:
            for watch in watches.values():
                watch.stop()
        end_ms = time.time_ns() // 1_000_000
        return {name: Spread.of(watch.between(start_ms, end_ms)) for name, watch in watches.items()}

    def _after_the_test(self, skipped: int, wanted: int) -> Rows:
        """Return payments behind the test week, so that all worlds together have so many."""
        payments, worlds = self._plan.payments, len(self._worlds)
        first = int(np.searchsorted(payments.event_time, self._plan.edges[-1])) + skipped // worlds
        return np.arange(first, min(first + wanted // worlds, len(payments)))


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
