"""Ctrl-C and SIGTERM end the demo in order, once."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self


class StopSignals:
    """Turns the first SIGINT or SIGTERM into a KeyboardInterrupt; later ones change nothing.

    So nobody cuts the stopping itself short by pressing Ctrl-C twice; whoever must can still
    kill the process, and the servers end with it.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        """The signal that came."""
        self._before: dict[int, Any] = {}
        self._armed = True

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def disarm(self) -> None:
        """From here on signals are only noted: what runs now must not be cut short."""
        self._armed = False

    def rearm(self) -> None:
        """Take the next signal as if none had come."""
        self.received = None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number
            if self._armed:
                raise KeyboardInterrupt
