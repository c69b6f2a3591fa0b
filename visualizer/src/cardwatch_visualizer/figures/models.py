"""A model's risks now and in training, as bars and a line. Pure."""

from typing import Any, Final

from cardwatch_contracts.model_stats import RISK_BINS
from cardwatch_visualizer.figures.theme import Figure, Theme, coloured, empty_figure, layout
from cardwatch_visualizer.live.model_shapes import ModelSeen

_RANGE: Final = (-3, 2)
"""Of shares: from one transaction in 100,000 to all of them. Powers of ten, in percent."""


def risks_figure(theme: Theme, seen: ModelSeen | None, nothing: str) -> Figure:
    """Return shares of transactions by risk; the axis of shares is logarithmic.

    Args:
        theme: light or dark.
        seen: what the model has said; None: nothing.
        nothing: what is said then.
    """
    if seen is None or not sum(seen.risks):
        return empty_figure(theme, nothing)
    middles = [(number + 0.5) / RISK_BINS for number in range(RISK_BINS)]
    now = {
        "type": "bar",
        "name": "now",
        "x": middles,
        "y": _percents(seen.risks),
        "width": 0.8 / RISK_BINS,
        "hovertemplate": "%{y:.3~g} % now<extra></extra>",
    }
    trained: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "in training",
        "x": middles,
        "y": _percents(seen.trained_risks),
        "line": {"width": 2, "shape": "hvh"},
        "marker": {"size": 7, "symbol": "diamond"},
        "hovertemplate": "%{y:.3~g} % in training<extra></extra>",
    }
    drawn = [coloured(theme, now, marker__color="primary")]
    if sum(seen.trained_risks):
        drawn.append(coloured(theme, trained, line__color="second", marker__color="second"))
    return {
        "data": drawn,
        "layout": layout(
            theme,
            hovermode="x",
            xaxis={"range": [0, 1], "title": {"text": "risk"}, "dtick": 0.1},
            yaxis={
                "type": "log",
                "range": _RANGE,
                "dtick": 1,
                "exponentformat": "none",
                "title": {"text": "% of transactions, logarithmic"},
            },
        ),
    }


def _percents(counts: tuple[float, ...]) -> list[float | None]:
    """Return shares in percent; None where there is none, which a logarithm has no place for."""
    total = sum(counts)
    return [100 * each / total if each and total else None for each in counts]
