"""The map: countries' shapes, and what happens where. Pure.

The shapes are Natural Earth's at 1:110 million, in the public domain; they come with this package,
so no map service is asked. They are drawn in Miller's projection: x is the longitude, in degrees,
and y grows faster towards the poles (O. M. Miller, Notes on Cylindrical World Map Projections,
Geographical Review 32 (1942), p. 424). `assets/draw.js` projects what is pushed in the same way.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from math import degrees, log, pi, radians, tan
from typing import Any, Final

import msgspec

from cardwatch_visualizer.figures.theme import Figure, Theme, coloured, layout

_STEP: Final = 10
"""Coordinates are kept in tenths of a degree."""

Line = list[int]
"""Longitude, latitude, longitude, latitude, ... in tenths of a degree."""


class World(msgspec.Struct, frozen=True):
    """The shapes."""

    land: list[Line]
    """Coasts, each closed."""
    borders: list[Line]
    """Between countries."""


@cache
def world() -> World:
    """Return the shapes."""
    text = files("cardwatch_visualizer").joinpath("figures/world.json").read_bytes()
    return msgspec.json.decode(text, type=World)


def miller(latitude: float) -> float:
    """Return y of a latitude, both in degrees."""
    return degrees(1.25 * log(tan(pi / 4 + 0.4 * radians(latitude))))


def world_figure(theme: Theme, shapes: World) -> Figure:
    """Return the map. The last three traces are filled as ticks come: places, journeys, alerts."""
    land_x, land_y = _path(shapes.land)
    border_x, border_y = _path(shapes.borders)
    silent: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
        "line": {"width": 0.7},
    }
    land = {**silent, "x": land_x, "y": land_y, "fill": "toself"}
    borders = {**silent, "x": border_x, "y": border_y}
    travels = {
        **silent,
        "name": "impossible travel",
        "x": [],
        "y": [],
        "showlegend": True,
        "line": {"width": 1.5, "dash": "dash"},
    }
    return {
        "data": [
            coloured(theme, land, fillcolor="land", line__color="faint"),
            coloured(theme, borders, line__color="faint"),
            _points(theme, "transactions, some of them", "primary", size=5, opacity=0.45),
            coloured(theme, travels, line__color="second"),
            _points(theme, "alerts", "alarm", size=10, opacity=0.9, symbol="diamond"),
        ],
        "layout": layout(
            theme,
            hovermode="closest",
            dragmode="pan",
            xaxis={"visible": False, "range": [-170, 190], "fixedrange": False},
            yaxis={
                "visible": False,
                "range": [miller(-58), miller(78)],
                "scaleanchor": "x",
                "scaleratio": 1,
            },
        ),
    }


def _points(theme: Theme, name: str, colour: str, **marker: Any) -> dict[str, Any]:
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [],
        "y": [],
        "text": [],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": marker,
    }
    return coloured(theme, trace, marker__color=colour)


def _path(lines: Iterable[Sequence[int]]) -> tuple[list[float | None], list[float | None]]:
    """Return x and y of lines one after the other, with a gap between."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for line in lines:
        xs.extend(value / _STEP for value in line[0::2])
        ys.extend(round(miller(value / _STEP), 2) for value in line[1::2])
        xs.append(None)
        ys.append(None)
    return xs, ys
