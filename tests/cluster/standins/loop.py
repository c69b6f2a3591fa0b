"""What all stand-ins have in common: they look again every second, and never end by an error."""

import sys
import threading
import time
from abc import ABC, abstractmethod
from typing import Final

from tests.cluster.standins.kubernetes import Document, Kubernetes, KubernetesError

_PERIOD_S: Final = 1.0


class StandIn(ABC):
    """A controller in a thread of its own."""

    name: str
    """It is the field manager, and begins each line that is printed."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self.kubernetes = kubernetes
        self._stopped = threading.Event()
        self._last_error = ""
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join(timeout=60)

    def say(self, what: str) -> None:
        """Print an action."""
        stamp = time.strftime("%H:%M:%S", time.gmtime())
        sys.stdout.write(f"{stamp} {self.name}: {what}\n")
        sys.stdout.flush()

    @abstractmethod
    def look(self) -> None:
        """Bring everything one step nearer to what is asked for."""

    def guarded(self, resource: Document) -> "_Guard":
        """Let an error with one resource not hinder the others."""
        metadata = resource["metadata"]
        return _Guard(self, f"{resource['kind']} {metadata['namespace']}/{metadata['name']}: ")

    def complain(self, error: Exception, about: str = "") -> None:
        """Print an error, once until there is another one."""
        text = f"{about}{error}" if isinstance(error, KubernetesError) else f"{about}{error!r}"
        if text != self._last_error:
            self._last_error = text
            self.say(f"error: {text}")

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.look()
            except Exception as error:  # it must go on: the next look may succeed
                self.complain(error)
            self._stopped.wait(_PERIOD_S)


class _Guard:
    def __init__(self, owner: StandIn, about: str) -> None:
        self._owner = owner
        self._about = about

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, Exception):
            self._owner.complain(error, self._about)
            return True
        return False
