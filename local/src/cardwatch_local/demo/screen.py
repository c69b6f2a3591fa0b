"""Where the live view is drawn."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live

from cardwatch_local.demo.snapshot import Snapshot
from cardwatch_local.demo.view import LiveView, status_line

FRAME_S: Final = 0.25
_LINE_EVERY_S: Final = 5.0

Show = Callable[[Snapshot], None]
"""Draws a snapshot."""


@contextmanager
def screen_on(console: Console) -> Iterator[Show]:
    """Draw on the whole terminal, which is as before afterwards; elsewhere a line every 5 s."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Live(console=console, screen=True, auto_refresh=False, transient=True) as live:
        yield lambda snapshot: live.update(LiveView(snapshot), refresh=True)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_s = time.monotonic() + _LINE_EVERY_S

    def __call__(self, snapshot: Snapshot) -> None:
        if time.monotonic() < self._next_s:
            return
        self._next_s += _LINE_EVERY_S
        self._console.print(status_line(snapshot), highlight=False, soft_wrap=True, markup=False)
