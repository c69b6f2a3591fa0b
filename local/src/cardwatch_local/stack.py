"""The embedded stack: its servers, the Flink job and the archiver, started and kept running."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from cardwatch_local.assembly import Servers, assemble, fetch_jars, versions
from cardwatch_local.class_archive import ClassArchives
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.jar_lock import read_lock
from cardwatch_local.leftovers import end_leftovers
from cardwatch_local.preflight import check_machine
from cardwatch_local.progress import SilentListener, StepListener
from cardwatch_local.service import Service
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack_lock import StackLock
from cardwatch_local.state import StackState, StackStatus, write_state
from cardwatch_local.steps import StepLog
from cardwatch_local.tending import Tended
from cardwatch_local.topics import create_topics


class Stack:
    """One stack, held by this process: it ends when this process does, however that ends.

    `with Stack(settings) as stack:` starts it and stops it. Between, `tend` must be called every
    second or so for servers that die to be started again. Not thread-safe.
    """

    def __init__(
        self, settings: StackSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare the stack of `settings`; nothing happens before `start`.

        Args:
            settings: Which stack, and how large.
            clock: Monotonic seconds, for the pauses before a restart.
        """
        self._settings = settings
        self._clock = clock
        self._lock = StackLock(settings.stack_dir)
        self._steps = self._step_log(SilentListener())
        self._servers: Servers | None = None
        self._tended: list[Tended] = []
        self._state: StackState | None = None
        self._started_at = ""
        self._was_ready = False

    def start(self, listener: StepListener | None = None) -> Endpoints:
        """Start everything; return once every transaction written is scored.

        Raises:
            StackError: With what is missing, or which server failed and its last log lines.
                What was started is stopped again.
        """
        check_machine(self._settings)
        self._lock.acquire()
        self._steps = self._step_log(listener or SilentListener())
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            return self._start()
        except BaseException as error:
            self._end(failure=error if isinstance(error, Exception) else None)
            raise

    def stop(self) -> None:
        """Stop everything in order and give the stack free. Safe to repeat."""
        self._end(failure=None)

    def tend(self) -> None:
        """Start again what died, and tell the state of every server. Returns at once."""
        for tended in self._tended:
            tended.tend(self._clock())
        self._publish("ready")

    def status(self) -> StackState | None:
        """Return the stack as it was last looked at, None before its start."""
        return self._state

    def __enter__(self) -> Self:
        """Start the stack."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the stack."""
        self.stop()

    def _step_log(self, listener: StepListener) -> StepLog:
        return StepLog(listener, changed=lambda: self._publish("starting"))

    def _start(self) -> Endpoints:
        settings, steps = self._settings, self._steps
        end_leftovers(settings.stack_dir)
        with steps.step("fetch the jars", total=len(read_lock())) as advance:
            classpaths = fetch_jars(settings, lambda done, _total, _jar: advance(done))
        servers = self._servers = assemble(settings, classpaths)
        self._tended = [Tended(service) for service in servers.all]
        with steps.step("start the servers"):
            servers.flink.prepare()
            # All at once: the job's graph takes longer to build than the broker to come up.
            self._start_services(servers.valkey, *servers.job, servers.kafka, servers.postgres)
            servers.valkey.wait_ready()
            servers.kafka.wait_ready()
            servers.postgres.wait_ready()
        with steps.step("make the topics"):
            create_topics(servers.kafka.bootstrap_servers)
        with steps.step("start the job"):
            self._start_services(servers.archiver, *servers.doors)
            servers.flink.jobmanager.wait_ready()
            for door in servers.doors:
                door.wait_ready()
        self._was_ready = True
        self.tend()
        return servers.endpoints

    def _start_services(self, *services: Service) -> None:
        for tended in self._tended:
            if tended.service in services:
                tended.start(self._clock())

    def _publish(self, status: StackStatus, error: str | None = None) -> None:
        state = StackState(
            name=self._settings.name,
            status=status,
            pid=os.getpid(),
            started_at=self._started_at,
            versions=versions(),
            endpoints=None if self._servers is None else self._servers.endpoints,
            services=[tended.state() for tended in self._tended],
            steps=list(self._steps.steps),
            error=error,
        )
        if state != self._state:
            self._state = state
            write_state(self._settings.state_file, state)

    def _end(self, failure: Exception | None) -> None:
        if not self._lock.is_held:
            return
        self._publish("stopping")
        if self._servers is not None:
            self._stop_services(self._servers)
        if not self._was_ready:
            ClassArchives(self._settings.class_archives_dir).discard_fresh()
        if failure is None:
            self._settings.state_file.unlink(missing_ok=True)
        else:
            self._publish("failed", error=str(failure))
        self._lock.release()

    @staticmethod
    def _stop_services(servers: Servers) -> None:
        for group in (
            servers.doors,
            [servers.archiver],
            servers.job,
            [servers.kafka, servers.valkey, servers.postgres],
        ):
            for service in group:
                service.begin_stop()
            for service in group:
                service.stop()
