"""The plots of the live page, empty; the page fills them as ticks come. Pure."""

from typing import Any

from cardwatch_visualizer.figures.theme import LOOKS, Figure, Theme, coloured, layout


def rates_figure(theme: Theme) -> Figure:
    """Transactions a second above, alerts a second below: one hides the other otherwise."""
    bars = {"type": "bar", "name": "alerts/s", "x": [], "y": [], "yaxis": "y2"}
    return {
        "data": [
            _line(theme, "transactions/s", "primary"),
            coloured(theme, bars, marker__color="alarm"),
        ],
        "layout": layout(
            theme,
            xaxis={"type": "date", "anchor": "y2"},
            yaxis={"rangemode": "tozero", "domain": [0.46, 1], "nticks": 4},
            yaxis2={
                "rangemode": "tozero",
                "domain": [0, 0.36],
                "nticks": 3,
                "gridcolor": LOOKS[theme].faint,
                "zerolinecolor": LOOKS[theme].faint,
                "automargin": True,
            },
            bargap=0,
        ),
    }


def latency_figure(theme: Theme) -> Figure:
    """How long alerts take, in the middle and at worst."""
    return {
        "data": [
            _line(theme, "half within", "primary"),
            _line(theme, "99 of 100 within", "second", line={"dash": "dot"}),
        ],
        "layout": _over_time(theme, "ms"),
    }


def lag_figure(theme: Theme) -> Figure:
    """How many transactions wait for the job."""
    return {
        "data": [_line(theme, "transactions that wait", "primary", fill="tozeroy")],
        "layout": _over_time(theme, "transactions"),
    }


def _over_time(theme: Theme, unit: str) -> dict[str, Any]:
    axis = {"rangemode": "tozero", "title": {"text": unit}}
    return layout(theme, xaxis={"type": "date"}, yaxis=axis)


def _line(theme: Theme, name: str, colour: str, **more: Any) -> dict[str, Any]:
    trace = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [],
        "y": [],
        "connectgaps": False,
        **more,
        "line": {"width": 2, **more.get("line", {})},
    }
    return coloured(theme, trace, line__color=colour)
