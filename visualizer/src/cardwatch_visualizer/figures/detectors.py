"""Findings by detector, as bars. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from cardwatch_visualizer.figures.theme import (
    Figure,
    Theme,
    coloured,
    empty_figure,
    layout,
    plain,
)


def findings_figure(theme: Theme, rows: Sequence[Mapping[str, Any]], nothing: str) -> Figure:
    """Return findings an hour, those that alert and those on trial side by side.

    Args:
        theme: light or dark.
        rows: `detector`, `active_per_h` and `shadow_per_h`; the first is at the top.
        nothing: what is said where there are none.
    """
    if not any(row.get("active_per_h") or row.get("shadow_per_h") for row in rows):
        return empty_figure(theme, nothing)
    names = [plain(row["detector"]) for row in reversed(rows)]

    def bars(name: str, column: str, colour: str, pattern: str) -> dict[str, Any]:
        trace = {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": names,
            "x": [row[column] for row in reversed(rows)],
            # Told by its pattern too, for who sees no colours.
            "marker": {"pattern": {"shape": pattern}},
            "hovertemplate": "%{x:,.2f} an hour<extra>%{y}</extra>",
        }
        return coloured(theme, trace, marker__color=colour)

    return {
        "data": [
            bars("on trial", "shadow_per_h", "second", "/"),
            bars("active", "active_per_h", "alarm", ""),
        ],
        "layout": layout(
            theme,
            barmode="group",
            hovermode="closest",
            legend={"traceorder": "reversed"},
            xaxis={"rangemode": "tozero", "title": {"text": "findings an hour"}},
            yaxis={"type": "category"},
        ),
    }
