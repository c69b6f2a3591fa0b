"""The live view: one screen from one snapshot. Pure rendering, no terminal."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.layout import Layout
from rich.table import Table
from rich.text import Text

from cardwatch_local.demo.panels import (
    NARROW,
    alerts_panel,
    body_rows,
    detectors_panel,
    figures_panel,
    milliseconds,
)
from cardwatch_local.demo.snapshot import Snapshot


class LiveView:
    """A snapshot as a full screen; from 80 columns by 24 lines."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        snapshot, width = self._snapshot, options.max_width
        height = options.height or console.height
        figures = 40 if width >= NARROW else 34
        rows = body_rows(snapshot)
        middle = Layout(size=rows)
        middle.split_row(
            Layout(detectors_panel(snapshot, width=width - figures)),
            Layout(figures_panel(snapshot), size=figures),
        )
        screen = Layout()
        screen.split_column(
            Layout(_header(snapshot, width), size=1),
            middle,
            Layout(alerts_panel(snapshot, rows=height - rows - 4, width=width)),
            Layout(_footer(snapshot), size=1),
        )
        yield screen


def clock(seconds: float) -> str:
    """Write a time span as `02:05` or `1:02:05`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"


def status_line(snapshot: Snapshot) -> str:
    """Say the same in one line, for output that is not a terminal."""
    down = [name for name, up in snapshot.parts.items() if not up]
    return (
        f"{clock(snapshot.elapsed_s)}  sent {snapshot.sent.total:,} "
        f"({snapshot.sent.per_s:.1f}/s)  judged {snapshot.judged.total:,} "
        f"({snapshot.judged.per_s:.1f}/s)  alerts {snapshot.alerts.total:,}  "
        f"p50 {milliseconds(snapshot.seen.p50)}  p99 {milliseconds(snapshot.seen.p99)}"
        + (f"  DOWN: {', '.join(down)}" if down else "")
        + (f"  {snapshot.trouble}" if snapshot.trouble else "")
    )


def _header(snapshot: Snapshot, width: int) -> Table:
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column()
    line.add_column(justify="right", no_wrap=True)
    title = Text.assemble((" Cardwatch ", "bold reverse"), "  live demo", ("  banks A, B", "dim"))
    if snapshot.duration_s is None:
        progress = Text(f"running {clock(snapshot.elapsed_s)} ")
    else:
        done = min(1.0, snapshot.elapsed_s / snapshot.duration_s)
        cells = min(24, width // 4)
        filled = round(done * cells)
        left_s = max(0.0, snapshot.duration_s - snapshot.elapsed_s)
        progress = Text.assemble(
            f"{clock(snapshot.elapsed_s)} ",
            ("━" * filled, "green"),
            ("━" * (cells - filled), "bright_black"),
            (f" {clock(left_s)} left ", "dim"),
        )
    line.add_row(title, progress)
    return line


def _footer(snapshot: Snapshot) -> Text:
    if snapshot.trouble:
        return Text(f" {snapshot.trouble}", "bold yellow", no_wrap=True, overflow="ellipsis")
    browser = f" {snapshot.visualizer_url} in a browser ·" if snapshot.visualizer_url else ""
    return Text(
        f"{browser} Ctrl-C stops everything · elsewhere: cardwatch alerts --name demo --follow",
        "dim",
        no_wrap=True,
        overflow="ellipsis",
    )
