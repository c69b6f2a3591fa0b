"""One demo from the first step to the report."""

import time
from collections.abc import Mapping
from typing import Final

from rich.console import Console

from cardwatch_generator.cardholder import Population, build_population
from cardwatch_generator.publish import KafkaSink
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.tracing import SERVICE as GENERATOR
from cardwatch_local.demo.assess import Run, assess
from cardwatch_local.demo.browser import open_page
from cardwatch_local.demo.live import LivePhase, LiveResult
from cardwatch_local.demo.machine import describe_machine
from cardwatch_local.demo.oracle import gather
from cardwatch_local.demo.preparation import forget_last_run, kafka_sink, prepare_cards
from cardwatch_local.demo.report import Report
from cardwatch_local.demo.screen import screen_on
from cardwatch_local.demo.settings import STACK_NAME, DemoSettings
from cardwatch_local.demo.signals import StopSignals
from cardwatch_local.demo.summary import summary_lines, verdict
from cardwatch_local.demo.watch import VIEWER
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack import Stack
from cardwatch_local.step_bars import steps_on

_TEND_EVERY_S: Final = 1.0


class Demo:
    """The demo's stack and what runs on it. Everything ends with `run`, however it is left."""

    def __init__(self, settings: DemoSettings, *, console: Console, began_s: float) -> None:
        """Prepare.

        Args:
            settings: What to stream, and for how long.
            console: Where everything is shown.
            began_s: Monotonic seconds at which the user gave the command.
        """
        self._settings = settings
        self._console = console
        self._began_s = began_s
        self._stack_settings = StackSettings(name=STACK_NAME)
        self._stack = Stack(self._stack_settings)
        self._tended_s = 0.0

    def run(self) -> int:
        """Run to the end and return the exit status.

        Raises:
            StackError: A part of it failed; everything is stopped.
        """
        with StopSignals() as signals:
            try:
                return self._run(signals)
            except KeyboardInterrupt:
                return 128 + (signals.received or 2)
            finally:
                signals.disarm()
                self._stop()

    def _run(self, signals: StopSignals) -> int:
        forget_last_run(self._stack_settings)
        generator = self._settings.generator()
        with steps_on(self._console) as steps:
            endpoints = self._stack.start(steps)
            population = build_population(generator)
            prepare_cards(generator, population, endpoints, steps)
        self._say(f"In a browser, without a login: {endpoints.visualizer_url}")
        if self._console.is_terminal and self._settings.duration_s is None:
            open_page(endpoints.visualizer_url)
        exporter = self._stack_settings.exporter(GENERATOR)
        with kafka_sink(endpoints, exporter=exporter) as sink:
            startup_s = time.monotonic() - self._began_s
            result = self._live(generator, population, endpoints, sink)
        if signals.received is not None:
            signals.rearm()
            if self._settings.report is None:
                self._say(
                    f"Stopped after {result.duration_s:.0f} s: {result.alerts:,} alerts on "
                    f"{result.sent:,} transactions."
                )
                return 0
        return self._conclude(self._report(endpoints, result, startup_s))

    def _live(
        self,
        generator: GeneratorSettings,
        population: Population,
        endpoints: Endpoints,
        sink: KafkaSink,
    ) -> LiveResult:
        with screen_on(self._console) as show:
            phase = LivePhase(
                endpoints=endpoints,
                parts=self._parts,
                duration_s=self._settings.duration_s,
                show=show,
                exporter=self._stack_settings.exporter(VIEWER),
            )
            return phase.run(generator, population, sink=sink)

    def _parts(self) -> Mapping[str, bool]:
        """Look after the stack, not too often, and say which servers are up."""
        if time.monotonic() - self._tended_s >= _TEND_EVERY_S:
            self._tended_s = time.monotonic()
            self._stack.tend()
        state = self._stack.status()
        services = state.services if state else []
        return {service.name: service.status == "ready" for service in services}

    def _report(self, endpoints: Endpoints, result: LiveResult, startup_s: float) -> Report:
        self._say("Comparing with the reference run …")
        run = Run(
            live_from=result.live_from,
            seen=result.seen,
            committed=result.committed,
            startup_s=startup_s,
            duration_s=result.duration_s,
            cards=self._settings.cards,
            seed=self._settings.seed,
            machine=describe_machine(),
        )
        return assess(gather(endpoints.bootstrap_servers), run)

    def _conclude(self, report: Report) -> int:
        for line in summary_lines(report):
            self._say(line)
        if self._settings.report is not None:
            try:
                self._settings.report.write_bytes(report.to_json())
            except OSError as error:
                raise StackError(f"--report {self._settings.report}: {error.strerror}") from None
            self._say(f"Report: {self._settings.report}")
        if report.reference is not None and not report.reference.equal:
            raise StackError(verdict(report))
        return 0

    def _stop(self) -> None:
        if self._stack.status() is None:
            return
        self._say("Stopping everything …")
        began_s = time.monotonic()
        self._stack.stop()
        self._say(f"Everything is stopped ({time.monotonic() - began_s:.1f} s).")

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
