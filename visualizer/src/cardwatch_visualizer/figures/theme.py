"""Colours and layouts, light and dark. Pure.

The colours are those of Okabe and Ito, which people with any kind of colour blindness tell apart
(https://jfly.uni-koeln.de/color/); what matters is told by shape or position as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Theme = Literal["light", "dark"]
Figure = dict[str, Any]
"""A plotly figure as plain values: `data` and `layout`."""

BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
ORANGE: Final = "#E69F00"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
YELLOW: Final = "#F0E442"
GREY: Final = "#8C8C8C"
_CYCLE: Final = (VERMILION, SKY, ORANGE, GREEN, PURPLE, BLUE, YELLOW, GREY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The colours of a theme."""

    text: str
    paper: str
    """Behind what is shown over a plot."""
    faint: str
    """Grid lines and borders."""
    land: str
    primary: str
    """What there is most of: transactions."""
    alarm: str
    """Alerts."""
    second: str


LOOKS: Final[Mapping[Theme, Look]] = {
    "light": Look(
        text="#25262B",
        paper="#FFFFFF",
        faint="#E3E5E8",
        land="#E9ECEF",
        primary=BLUE,
        alarm=VERMILION,
        second="#B37400",
    ),
    "dark": Look(
        text="#D5D7DB",
        paper="#25262B",
        faint="#373A40",
        land="#2F3238",
        primary=SKY,
        alarm="#FF8A4C",
        second=ORANGE,
    ),
}


def layout(theme: Theme, **more: Any) -> dict[str, Any]:
    """Return the layout that all plots share, with more of one's own."""
    look = LOOKS[theme]
    axis = {
        "gridcolor": look.faint,
        "linecolor": look.faint,
        "zerolinecolor": look.faint,
        "automargin": True,
    }
    common: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": look.text, "size": 12, "family": "system-ui, sans-serif"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": look.paper},
        "uirevision": "kept",  # what somebody has zoomed to stays when values come
        "xaxis": axis,
        "yaxis": axis,
    }
    for name, value in more.items():
        mine = common.get(name)
        both = isinstance(mine, dict) and isinstance(value, dict)
        common[name] = {**mine, **value} if both and mine is not None else value
    return common


def colour_of(name: str, names: Sequence[str]) -> str:
    """Return the colour of one of several names, always the same."""
    return _CYCLE[names.index(name) % len(_CYCLE)] if name in names else GREY


def coloured(theme: Theme, trace: Mapping[str, Any], **colours: str) -> dict[str, Any]:
    """Return a trace with its colours, and a note of them by which a page changes its theme.

    Args:
        theme: light or dark.
        trace: the rest of it.
        colours: by a path with `__` for a dot, such as `line__color`, a name of `Look`.
    """
    found: dict[str, Any] = {**trace}
    paths = {path.replace("__", "."): name for path, name in colours.items()}
    for path, name in paths.items():
        *outer, last = path.split(".")
        inner = found
        for each in outer:
            inner[each] = dict(inner.get(each, {}))
            inner = inner[each]
        inner[last] = getattr(LOOKS[theme], name)
    return found | {"meta": {"colours": paths}}


def plain(text: str) -> str:
    """Return text that plotly shows as it is: it takes some of HTML for markup, links among it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def theme_of(scheme: object) -> Theme:
    """Return a theme by the name that a browser gives, the light one where it is none."""
    return "dark" if scheme == "dark" else "light"


def empty_figure(theme: Theme, nothing: str) -> Figure:
    """Return a plot that says why it is empty."""
    hidden = {"visible": False}
    words = {
        "text": plain(nothing),
        "showarrow": False,
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "font": {"color": LOOKS[theme].text, "size": 14},
    }
    return {
        "data": [],
        "layout": layout(theme, xaxis=hidden, yaxis=hidden, annotations=[words]),
    }
