"""The plots of the analytics page. Pure.

Alerts in force are filled, those on trial are hatched; banks have lines of different dashes: none
of it is told by colour alone.
"""

from collections.abc import Sequence
from typing import Any, Final

from cardwatch_visualizer.figures.theme import (
    GREY,
    Figure,
    Theme,
    colour_of,
    coloured,
    empty_figure,
    layout,
    plain,
)
from cardwatch_visualizer.views.analytics import OTHERS, Bars, Rates

MOST_BARS: Final = 12
"""Of a plot by name; its table has more."""
MOST_LINES: Final = 6
"""Banks with a line of their own."""
_HOURS_NAMED: Final = 9
"""At most, below their bars: each third, as there is room for them to lie."""
_DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_IN_FORCE: Final = "alerts"
_ON_TRIAL: Final = "on trial"


def names_figure(theme: Theme, bars: Bars, nothing: str) -> Figure:
    """Return alerts by name as bars that lie, the most on top; a click tells the name.

    Args:
        theme: light or dark.
        bars: most alerts first.
        nothing: what is said where there are none.
    """
    if not bars:
        return empty_figure(theme, nothing)
    names = bars.names[:MOST_BARS]
    common = {
        "type": "bar",
        "orientation": "h",
        "y": [plain(name) for name in names],
        "customdata": list(names),
        "hovertemplate": "%{y}: %{x:,}<extra>%{fullData.name}</extra>",
    }
    return {
        "data": _stacked(theme, common, "x", bars.alerts[:MOST_BARS], bars.on_trial[:MOST_BARS]),
        "layout": layout(
            theme,
            barmode="stack",
            hovermode="closest",
            xaxis={"rangemode": "tozero"},
            yaxis={"type": "category", "autorange": "reversed"},
        ),
    }


def steps_figure(theme: Theme, bars: Bars, nothing: str, *, times: bool) -> Figure:
    """Return alerts over time, or by hour of the day, as bars that stand.

    Args:
        theme: light or dark.
        bars: in the order of time.
        nothing: what is said where there are none.
        times: whether the names are times, not hours.
    """
    if not bars:
        return empty_figure(theme, nothing)
    common = {"type": "bar", "x": list(bars.names)}
    hours = {"type": "category", "nticks": _HOURS_NAMED}
    return {
        "data": _stacked(theme, common, "y", bars.alerts, bars.on_trial),
        "layout": layout(
            theme,
            barmode="stack",
            bargap=0.1,
            xaxis={"type": "date"} if times else hours,
            yaxis={"rangemode": "tozero", "title": {"text": "alerts"}},
        ),
    }


def rates_figure(theme: Theme, rates: Rates, nothing: str) -> Figure:
    """Return transactions a second by bank as lines, with gaps where nothing was counted.

    Args:
        theme: light or dark.
        rates: of each bank.
        nothing: what is said where there are none.
    """
    if not rates.banks:
        return empty_figure(theme, nothing)
    names = [name for name, _ in rates.banks]
    return {
        "data": [
            {
                "type": "scatter",
                # One step is a point, which no line shows.
                "mode": "lines" if len(rates.at) > 1 else "markers",
                "name": plain(name),
                "x": list(rates.at),
                "y": list(values),
                "connectgaps": False,
                "marker": {"size": 10},
                "line": {
                    "width": 2,
                    "color": GREY if name == OTHERS else colour_of(name, names),
                    "dash": _DASHES[place % len(_DASHES)],
                },
            }
            for place, (name, values) in enumerate(rates.banks)
        ],
        "layout": layout(
            theme,
            xaxis={"type": "date"},
            yaxis={"rangemode": "tozero", "title": {"text": "transactions/s"}},
        ),
    }


def _stacked(
    theme: Theme, common: dict[str, Any], axis: str, alerts: Sequence[int], on_trial: Sequence[int]
) -> list[dict[str, Any]]:
    in_force = {**common, "name": _IN_FORCE, axis: list(alerts)}
    trial = {**common, "name": _ON_TRIAL, axis: list(on_trial)}
    trial["marker"] = {"pattern": {"shape": "/", "size": 6}}
    return [
        coloured(theme, in_force, marker__color="alarm"),
        coloured(theme, trial, marker__color="second"),
    ]
