"""Runs the archiver's parts side by side: one that fails does not stop the others."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final

from cardwatch_archiver.kafka import KafkaFailedError
from cardwatch_archiver.metrics import ArchiverMetrics
from cardwatch_archiver.schema import MigrationError

_log = logging.getLogger(__name__)

_RESTART_S: Final = 5.0
_ENDING_S: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something the archiver does until it is stopped."""

    name: str
    """The topic it writes."""
    run: Callable[[Callable[[], None]], None]
    """Runs until the archiver is stopped. Calls what it is given once it is at work; raises
    KafkaFailedError or MigrationError where waiting does not mend what is wrong."""


class Parts:
    """Runs parts until they are stopped, or until none is at work.

    A part that fails is begun again after a pause. Once all have failed, and none has been at work
    since, whoever started the process is to see that.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        stop: Event,
        metrics: ArchiverMetrics,
        restart_s: float = _RESTART_S,
    ) -> None:
        self._parts = parts
        self._stop = stop
        self._metrics = metrics
        self._restart_s = restart_s
        self._lock = Lock()
        self._failed: set[str] = set()

    def run(self) -> bool:
        """Run them until `stop` is set; return False if all have failed."""
        threads = [Thread(target=self._keep, args=(part,), daemon=True) for part in self._parts]
        for thread in threads:
            thread.start()
        self._stop.wait()
        # One that waits for a server that hangs is left behind: a batch is written or it is not.
        deadline_s = monotonic() + _ENDING_S
        for thread in threads:
            thread.join(max(0.0, deadline_s - monotonic()))
        return len(self._failed) < len(self._parts)

    def _keep(self, part: Part) -> None:
        """Run a part, again and again if need be."""
        while not self._stop.is_set():
            try:
                part.run(lambda: self._at_work(part))
            except (KafkaFailedError, MigrationError) as error:
                if not self._stop.is_set():
                    _log.error("%s", error)
                    self._has_failed(part)
            except Exception:
                _log.exception("%s: an unexpected error", part.name)
                self._has_failed(part)
            self._stop.wait(self._restart_s)

    def _at_work(self, part: Part) -> None:
        with self._lock:
            self._failed.discard(part.name)

    def _has_failed(self, part: Part) -> None:
        self._metrics.failures.labels(part.name).inc()
        with self._lock:
            self._failed.add(part.name)
            if len(self._failed) == len(self._parts):
                self._stop.set()
