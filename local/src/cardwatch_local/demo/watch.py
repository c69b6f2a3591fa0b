"""Watches a running stack for the live view, in threads of its own."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Message, TopicPartition

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.messaging import processed_alert
from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.topics import ALERTS, JOB_GROUP, TRANSACTIONS
from cardwatch_local.demo.latency import Rate
from cardwatch_local.demo.snapshot import Flow
from cardwatch_local.demo.tally import AlertTally
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.reading.offsets import OffsetReader, Offsets, progress
from cardwatch_local.reading.topic import Isolation, follow_topic, traceparent_of, value_of
from cardwatch_operator.flink_rest import FlinkRest

_OFFSETS_EVERY_S: Final = 0.5
_JOB_EVERY_S: Final = 1.0
_JOIN_S: Final = 15.0
VIEWER: Final = "cardwatch-demo"
"""Who shows alerts, in their traces."""


def wall_clock_ms() -> int:
    """Return milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


class Watch:
    """Two consumers of `alerts`, the offsets of `transactions` and the job, until it is left.

    One consumer reads uncommitted: it sees an alert when the job writes it. The other reads
    committed, as everybody who acts on alerts should: it sees it after the next checkpoint.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        offsets: OffsetReader,
        *,
        live_from: Offsets,
        exporter: Exporter | None = None,
    ) -> None:
        """Watch what comes after `live_from`, the present ends of `transactions`.

        `exporter` gets a span for each alert that is shown.
        """
        self._exporter = exporter
        self._bootstrap_servers = endpoints.bootstrap_servers
        self._flink = FlinkRest(endpoints.flink_url or "")
        self._offsets = offsets
        self._before = sum(live_from.values())
        self._stop = threading.Event()
        self._rates = {"sent": Rate(), "judged": Rate(), "alerts": Rate()}
        self._totals = dict.fromkeys(self._rates, 0)
        self.trouble = ""
        """What is wrong at the moment, in a sentence."""
        self.job_runs = True
        """Whether every subtask of the job processes records."""
        since_ms = wall_clock_ms()
        self.seen = AlertTally(since_ms=since_ms)
        self.committed = AlertTally(since_ms=since_ms)
        start = [
            TopicPartition(topic, number, offset)
            for (topic, number), offset in offsets.ends([ALERTS]).items()
        ]
        self._threads = [
            self._thread(lambda: self._follow("read_uncommitted", start, self.seen)),
            self._thread(lambda: self._follow("read_committed", start, self.committed)),
            self._thread(self._poll_offsets),
            self._thread(self._poll_job),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_JOIN_S)

    def flow(self, name: str) -> Flow:
        """Return the count and rate of `sent`, `judged` or `alerts`."""
        return Flow(total=self._totals[name], per_s=self._rates[name].per_s)

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except StackError as error:
                self.trouble = str(error)

        return threading.Thread(target=run, daemon=True)

    def _follow(self, isolation: Isolation, start: list[TopicPartition], tally: AlertTally) -> None:
        for message in follow_topic(
            self._bootstrap_servers,
            ALERTS,
            isolation=isolation,
            start=start,
            stopped=self._stop.is_set,
        ):
            seen_at_ns = time.time_ns()
            with suppress(InvalidRecordError):  # the oracle will say it
                alert = decode_alert(value_of(message))
                tally.add(alert, seen_at_ms=seen_at_ns // 1_000_000)
                if isolation == "read_uncommitted":  # what the screen shows
                    self._record(message, alert, seen_at_ns)

    def _record(self, message: Message, alert: Alert, seen_at_ns: int) -> None:
        span = processed_alert(
            alert,
            traceparent_of(message),
            consumer=VIEWER,
            start_ns=seen_at_ns,
            end_ns=time.time_ns(),
        )
        if self._exporter is not None and span is not None:
            self._exporter.put_made(span)

    def _poll_offsets(self) -> None:
        while not self._stop.wait(_OFFSETS_EVERY_S):
            try:
                ends = self._offsets.ends([TRANSACTIONS])
                judged = progress(ends, self._offsets.of_group(JOB_GROUP), TRANSACTIONS)
            except StackError as error:
                self.trouble = str(error)
                continue
            self.trouble = ""
            self._note("sent", sum(ends.values()) - self._before)
            self._note("judged", judged - self._before)
            self._note("alerts", self.seen.alerts)

    def _poll_job(self) -> None:
        while not self._stop.wait(_JOB_EVERY_S):
            status = self._flink.job_status()
            self.job_runs = status is not None and status.is_running

    def _note(self, name: str, total: int) -> None:
        self._totals[name] = max(0, total)
        self._rates[name].sample(time.monotonic(), total)
