"""The panels of the live view."""

from itertools import cycle
from typing import Final

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.detector_config import ON_BY_DEFAULT
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.wording import printable
from cardwatch_job.detectors import DETECTORS
from cardwatch_local.alert_text import format_time
from cardwatch_local.demo.latency import Percentiles
from cardwatch_local.demo.snapshot import Flow, Snapshot

_FRAME_ROWS: Final = 2
_FIGURE_ROWS: Final = 7
"""Lines of rates and latencies, their headings included."""
NARROW: Final = 100
"""Below this many columns cities are cut."""

_BORDER: Final = "bright_black"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_PALETTE: Final = (
    "bright_red", "magenta", "yellow", "bright_magenta", "bright_cyan",
    "bright_yellow", "green", "bright_green", "blue", "cyan",
)  # fmt: skip
_COLOURS: Final = {
    detector.name: colour for detector, colour in zip(DETECTORS, cycle(_PALETTE), strict=False)
}


def body_rows(snapshot: Snapshot) -> int:
    """Return the lines of the panels in the middle: as many as the longer of them needs."""
    figures = _FIGURE_ROWS + (len(snapshot.parts) + 1) // 2
    return max(len(_listed(snapshot)), figures) + _FRAME_ROWS


def _listed(snapshot: Snapshot) -> tuple[str, ...]:
    """Names of the detectors that look by default, and of others that found something."""
    found = snapshot.by_detector
    return tuple(name for name in _COLOURS if name in ON_BY_DEFAULT or found.get(name))


def bar(share: float, cells: int) -> str:
    """Draw a bar of up to `cells` characters, to an eighth of one; a share > 0 is never empty."""
    eighths = max(round(share * cells * 8), int(share > 0))
    full, rest = divmod(min(eighths, cells * 8), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def milliseconds(latency_ms: float | None) -> str:
    """Write a latency as `38 ms` or `12.5 s`."""
    if latency_ms is None:
        return "–"
    return f"{latency_ms:,.0f} ms" if latency_ms < 10_000 else f"{latency_ms / 1000:,.1f} s"


def detectors_panel(snapshot: Snapshot, *, width: int) -> Panel:
    """Alerts by detector as bars; `width` is what the panel has, in columns."""
    rows = Table.grid(padding=(0, 1))
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True, justify="right", min_width=5)
    rows.add_column(no_wrap=True)
    most = max(snapshot.by_detector.values(), default=0) or 1
    cells = max(4, width - 4 - 19 - 5 - 2)
    for name in _listed(snapshot):
        count = snapshot.by_detector.get(name, 0)
        rows.add_row(
            Text(name, "" if count else "dim"),
            Text(f"{count:,}", "bold" if count else "dim"),
            Text(bar(count / most, cells), _COLOURS[name]),
        )
    return Panel(rows, title="Alerts by detector", title_align="left", border_style=_BORDER)


def figures_panel(snapshot: Snapshot) -> Panel:
    """Rates, totals, latencies and the state of the services."""
    rows = Table.grid(expand=True)
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True, justify="right")
    rows.add_column(no_wrap=True, justify="right")
    rows.add_row("", Text("a second", "dim"), Text("total", "dim"))
    _add_flow(rows, "sent", snapshot.sent)
    _add_flow(rows, "judged", snapshot.judged)
    _add_flow(rows, "alerts", snapshot.alerts)
    rows.add_row("", Text("p50", "dim"), Text("p99", "dim"))
    _add_latency(rows, "alert seen", snapshot.seen)
    _add_latency(rows, "committed", snapshot.committed)
    content = Table.grid(expand=True)
    content.add_row(rows)
    content.add_row(_parts(snapshot))
    return Panel(content, title="Stream and latency", title_align="left", border_style=_BORDER)


def _add_flow(rows: Table, name: str, flow: Flow) -> None:
    rows.add_row(name, Text(f"{flow.per_s:,.1f}", "bold cyan"), Text(f"{flow.total:,}", "bold"))


def _add_latency(rows: Table, name: str, latency: Percentiles) -> None:
    rows.add_row(
        name,
        Text(milliseconds(latency.p50), "bold green"),
        Text(milliseconds(latency.p99), "bold green"),
    )


def _parts(snapshot: Snapshot) -> Table:
    services = [
        Text(f"{'●' if up else '✗'} {name}", "green" if up else "bold red")
        for name, up in snapshot.parts.items()
    ]
    table = Table.grid(padding=(0, 2))
    for first in range(0, len(services), 2):
        table.add_row(*services[first : first + 2])
    return table


def alerts_panel(snapshot: Snapshot, *, rows: int, width: int) -> Panel:
    """Show the last alerts, a line for each finding, as many as fit into `rows` lines."""
    table = Table.grid(expand=True, padding=(0, 1))
    for justify, least in (("left", 8), ("left", 5), ("right", 13), ("left", 9)):
        table.add_column(no_wrap=True, justify=justify, min_width=least, max_width=20)  # type: ignore[arg-type] # a tuple of literals
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    left = rows
    for alert in snapshot.recent:
        for line in _alert_rows(alert, city_width=9 if width < NARROW else 16)[:left]:
            table.add_row(*line)
            left -= 1
        if left <= 0:
            break
    content: Table | Text = table
    if not snapshot.recent:
        content = Text("none yet: the first suspicious transaction appears here", "dim")
    return Panel(content, title="Last alerts", title_align="left", border_style=_BORDER)


def _alert_rows(alert: Alert, *, city_width: int) -> list[tuple[Text, ...]]:
    txn = alert.transaction
    rows: list[tuple[Text, ...]] = []
    for index, finding in enumerate(alert.findings):
        city = printable(txn.city)
        short = city if len(city) <= city_width else f"{city[: city_width - 1]}…"
        cells = (
            (Text(), Text(), Text(), Text())
            if index
            else (
                Text(format_time(txn.event_time)[11:], "dim"),
                Text(printable(txn.user_id)[:10]),
                Text(format_amount(txn.amount_minor, txn.currency), "bold"),
                Text(short),
            )
        )
        reason = Text.assemble(
            ("● ", _COLOURS.get(finding.detector, "")), printable(finding.reason)
        )
        rows.append((*cells, reason))
    return rows
