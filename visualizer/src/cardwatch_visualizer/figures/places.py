"""Amounts and visits on the map. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from cardwatch_visualizer.figures.theme import Figure, Theme, coloured, plain
from cardwatch_visualizer.figures.world import World, miller, world_figure

_LARGEST: Final = 44.0
"""Diameter of the largest bubble. Pixels."""
_SMALLEST: Final = 6.0
_ALIKE: Final = 14.0
"""Of spots without weights."""
_MARGIN: Final = 12.0
"""Around what is shown. Degrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Something at a place."""

    latitude: float
    """Degrees, WGS 84."""
    longitude: float
    weight: float
    """What its bubble's area is proportional to; nothing is below 0. All 0: all are alike."""
    words: str
    """What is said when it is pointed at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Spots of one kind."""

    name: str
    colour: str
    """A name of `Look`."""
    spots: tuple[Spot, ...]
    symbol: str = "circle"


def places_figure(theme: Theme, shapes: World, layers: Sequence[Layer]) -> Figure:
    """Return the map with bubbles, as far in as shows all of them.

    Args:
        theme: light or dark.
        shapes: of the countries.
        layers: what is shown, the topmost last.
    """
    figure = world_figure(theme, shapes)
    # Without the live page's traces.
    figure["data"] = [*figure["data"][:2], *(_bubbles(theme, layer) for layer in layers)]
    spots = [spot for layer in layers for spot in layer.spots]
    if spots:
        figure["layout"]["xaxis"]["range"] = _around([spot.longitude for spot in spots])
        figure["layout"]["yaxis"]["range"] = _around([miller(spot.latitude) for spot in spots])
    # The view is this figure's, not the one that somebody zoomed to in another.
    figure["layout"]["uirevision"] = "places"
    return figure


def _bubbles(theme: Theme, layer: Layer) -> dict[str, Any]:
    most = max((spot.weight for spot in layer.spots), default=0.0)
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": layer.name,
        "x": [spot.longitude for spot in layer.spots],
        "y": [round(miller(spot.latitude), 3) for spot in layer.spots],
        "text": [plain(spot.words).replace("\n", "<br>") for spot in layer.spots],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "size": [_size(spot.weight, most) for spot in layer.spots],
            "opacity": 0.6,
            "symbol": layer.symbol,
        },
    }
    return coloured(theme, trace, marker__color=layer.colour)


def _size(weight: float, most: float) -> float:
    """Return a diameter in pixels, whose square goes with the weight."""
    return max(_SMALLEST, _LARGEST * sqrt(max(0.0, weight) / most)) if most > 0 else _ALIKE


def _around(values: Sequence[float]) -> list[float]:
    return [min(values) - _MARGIN, max(values) + _MARGIN]
