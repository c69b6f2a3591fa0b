"""How slow steps tell their callers where they are."""

from typing import Protocol


class StepListener(Protocol):
    """Follows the steps of a start. Every call comes from the thread that called `start`."""

    def started(self, step: str, total: int | None) -> None:
        """`step` began; it has `total` parts, or None when that is not known."""

    def advanced(self, step: str, done: int) -> None:
        """`done` parts of `step` are behind us."""

    def finished(self, step: str) -> None:
        """`step` is complete. A step that failed is never finished."""


class SilentListener:
    """A listener for callers that show nothing."""

    def started(self, step: str, total: int | None) -> None:
        """Show nothing."""

    def advanced(self, step: str, done: int) -> None:
        """Show nothing."""

    def finished(self, step: str) -> None:
        """Show nothing."""
