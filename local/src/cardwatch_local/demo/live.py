"""The live phase: banks A and B in real time, watched."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_generator.baselines import ValkeyBaselines
from cardwatch_generator.cardholder import Population
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.publish import KafkaSink, PublishError
from cardwatch_generator.run import run_generator
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_local.demo.drain import Drain
from cardwatch_local.demo.latency import Percentiles
from cardwatch_local.demo.screen import FRAME_S, Show
from cardwatch_local.demo.snapshot import Snapshot
from cardwatch_local.demo.watch import Watch
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.reading.offsets import OffsetReader, Offsets

_DRAIN_S: Final = 60.0
_JOIN_S: Final = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResult:
    """What only the one who watched knows."""

    live_from: Offsets
    """Where `transactions` ended before."""
    seen: Percentiles
    committed: Percentiles
    duration_s: float
    sent: int
    alerts: int
    by_detector: Mapping[str, int]


class _Stream(threading.Thread):
    """The generator, in a thread of its own."""

    def __init__(
        self,
        settings: GeneratorSettings,
        population: Population,
        *,
        sink: KafkaSink,
        baselines: ValkeyBaselines,
    ) -> None:
        super().__init__(daemon=True, name="generator")
        self._settings = settings
        self._population = population
        self._sink = sink
        self._baselines = baselines
        self._told_to_end = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        """Send until told to stop."""
        try:
            run_generator(
                self._settings,
                sink=self._sink,
                clock=SystemClock(),
                baselines=self._baselines,
                population=self._population,
                stop=self._told_to_end.is_set,
            )
        except PublishError as error:
            self.error = error

    def finish(self) -> None:
        """Stop and wait until everything sent has arrived.

        Raises:
            StackError: Something has not.
        """
        self._told_to_end.set()
        self.join(_JOIN_S)
        self.check()

    def check(self) -> None:
        """Raise what went wrong so far.

        Raises:
            StackError: Kafka did not take a transaction.
        """
        if self.error is not None:
            raise StackError(str(self.error))


class LivePhase:
    """Runs the generator and shows what comes of it, until time is up or Ctrl-C."""

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        parts: Callable[[], Mapping[str, bool]],
        duration_s: float | None,
        show: Show,
        exporter: Exporter | None,
    ) -> None:
        self._exporter = exporter
        self._endpoints = endpoints
        self._parts = parts
        self._duration_s = duration_s
        self._show = show
        self._offsets = OffsetReader(endpoints.bootstrap_servers)

    def run(
        self, settings: GeneratorSettings, population: Population, *, sink: KafkaSink
    ) -> LiveResult:
        """Stream, watch, and wait until the last alert is committed.

        With no duration Ctrl-C is the way to end it; with one it is passed on.

        Raises:
            StackError: Kafka or the job failed.
        """
        live_from = self._offsets.ends([TRANSACTIONS])
        baselines = ValkeyBaselines(self._endpoints.valkey_url)
        stream = _Stream(settings, population, sink=sink, baselines=baselines)
        watch = Watch(self._endpoints, self._offsets, live_from=live_from, exporter=self._exporter)
        began = time.monotonic()
        with watch:
            stream.start()
            try:
                self._watch_until_the_end(stream, watch, began)
            except KeyboardInterrupt:
                if self._duration_s is not None:
                    raise
            streamed_s = time.monotonic() - began
            stream.finish()
            self._drain(watch, streamed_s)
            return LiveResult(
                live_from=live_from,
                seen=watch.seen.latency,
                committed=watch.committed.latency,
                duration_s=streamed_s,
                sent=watch.flow("sent").total,
                alerts=watch.seen.alerts,
                by_detector=watch.seen.by_detector,
            )

    def _watch_until_the_end(self, stream: _Stream, watch: Watch, began: float) -> None:
        while True:
            elapsed_s = time.monotonic() - began
            if self._duration_s is not None and elapsed_s >= self._duration_s:
                return
            stream.check()
            self._show(self._snapshot(watch, elapsed_s))
            left_s = FRAME_S if self._duration_s is None else self._duration_s - elapsed_s
            time.sleep(min(FRAME_S, left_s))

    def _drain(self, watch: Watch, elapsed_s: float) -> None:
        drain = Drain(self._endpoints.bootstrap_servers, self._offsets)
        note = "stream ended: waiting until the job has committed the last alerts"
        drain.wait(
            timeout_s=_DRAIN_S,
            between=lambda: self._show(self._snapshot(watch, elapsed_s, note=note)),
        )

    def _snapshot(self, watch: Watch, elapsed_s: float, *, note: str = "") -> Snapshot:
        return Snapshot(
            elapsed_s=elapsed_s,
            duration_s=self._duration_s,
            sent=watch.flow("sent"),
            judged=watch.flow("judged"),
            alerts=watch.flow("alerts"),
            by_detector=watch.seen.by_detector,
            recent=watch.seen.recent,
            seen=watch.seen.latency,
            committed=watch.committed.latency,
            parts={**self._parts(), "job": watch.job_runs},
            trouble=watch.trouble or note,
            visualizer_url=self._endpoints.visualizer_url,
        )
