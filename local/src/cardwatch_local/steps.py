"""Keeps the steps of a start, and tells a listener about them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from cardwatch_local.progress import StepListener
from cardwatch_local.state import Step


class StepLog:
    """The steps so far, in order."""

    def __init__(self, listener: StepListener, *, changed: Callable[[], None]) -> None:
        """Tell `listener` of every step, and call `changed` after each change."""
        self.steps: list[Step] = []
        self._listener = listener
        self._changed = changed

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Run a step; the context is a function to call with the number of parts done."""
        self.steps.append(Step(name=name, total=total))
        self._listener.started(name, total)
        self._changed()

        def advance(done: int) -> None:
            self.steps[-1] = msgspec.structs.replace(self.steps[-1], done=done)
            self._listener.advanced(name, done)
            self._changed()

        yield advance
        self.steps[-1] = msgspec.structs.replace(self.steps[-1], finished=True)
        self._listener.finished(name)
        self._changed()


class StepReplay:
    """Tells a listener of steps that another process keeps."""

    def __init__(self, listener: StepListener) -> None:
        """Tell `listener`."""
        self._listener = listener
        self._told: list[Step] = []

    def show(self, steps: list[Step]) -> None:
        """Tell what is new in `steps` since the last call."""
        for index, step in enumerate(steps):
            before = self._told[index] if index < len(self._told) else None
            if before is None:
                self._listener.started(step.name, step.total)
            if step.done and (before is None or before.done != step.done):
                self._listener.advanced(step.name, step.done)
            if step.finished and (before is None or not before.finished):
                self._listener.finished(step.name)
        self._told = list(steps)
