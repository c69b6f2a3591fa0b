"""Slow first steps: progress bars in a terminal, lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.text import Text

from cardwatch_local.progress import StepListener


class _Amount(ProgressColumn):
    """`2,000 of 10,000`, or nothing where the total is not known."""

    def render(self, task: Task) -> Text:
        if task.total is None or task.total <= 1:
            return Text()
        return Text(f"{task.completed:,.0f} of {task.total:,.0f}", "dim")


class _Seconds(ProgressColumn):
    """Seconds with one decimal: a short step takes less than one."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time if task.finished else task.elapsed
        return Text(f"{elapsed or 0:5.1f} s", "dim")


class StepBars:
    """A bar for each step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def started(self, step: str, total: int | None) -> None:
        """Add a bar; it pulses while the total is not known."""
        self._tasks[step] = self._progress.add_task(step, total=total)

    def advanced(self, step: str, done: int) -> None:
        """Move a bar."""
        self._progress.update(self._tasks[step], completed=done)

    def finished(self, step: str) -> None:
        """Fill a bar."""
        task = self._tasks[step]
        total = next(entry.total for entry in self._progress.tasks if entry.id == task)
        self._progress.update(task, total=total or 1, completed=total or 1)


class StepLines:
    """A line when a step has ended, and for long ones every few seconds."""

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        every_s: float = 5.0,
    ) -> None:
        self._write = write
        self._clock = clock
        self._every_s = every_s
        self._began: dict[str, float] = {}
        self._totals: dict[str, int | None] = {}
        self._said_at = clock()

    def started(self, step: str, total: int | None) -> None:
        """Remember when the step began."""
        self._began[step] = self._said_at = self._clock()
        self._totals[step] = total

    def advanced(self, step: str, done: int) -> None:
        """Say how far it is, not too often."""
        if self._clock() - self._said_at >= self._every_s:
            self._said_at = self._clock()
            total = self._totals[step]
            self._write(f"{step}: {done:,}" + (f" of {total:,}" if total else ""))

    def finished(self, step: str) -> None:
        """Say how long it took."""
        self._write(f"{step}: done in {self._clock() - self._began[step]:.1f} s")


@contextmanager
def steps_on(console: Console) -> Iterator[StepListener]:
    """Show steps on a console, as suits it."""
    if not console.is_terminal:
        yield StepLines(lambda line: console.print(line, highlight=False, soft_wrap=True))
        return
    progress = Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=24),
        _Seconds(),
        _Amount(),
        console=console,
        refresh_per_second=8,
    )
    with progress:
        yield StepBars(progress)
