"""How a card's profile learned. Pure."""

from collections.abc import Sequence
from typing import Any

from cardwatch_contracts.money import exponent_of, format_amount
from cardwatch_visualizer.figures.theme import Figure, Theme, coloured, empty_figure, layout, plain
from cardwatch_visualizer.views.learning import Learned


def learning_figure(
    theme: Theme, points: Sequence[Learned], *, currency: str, limit_minor: int | None
) -> Figure:
    """Return amounts over time with the mean that the profile had learned.

    The axis of amounts is logarithmic: what counts is how many times the mean an amount is. So
    refunds are not drawn, nor amounts in other currencies, which do not compare.

    Args:
        theme: light or dark.
        points: oldest first.
        currency: of the amounts that are drawn.
        limit_minor: for one transaction, minor units; None: none is known.
    """
    drawn = [each for each in points if each.currency == currency and each.amount_minor > 0]
    if not drawn:
        return empty_figure(theme, "no transaction of this card is archived")
    plain_ones = [each for each in drawn if each.alert_id is None]
    with_alert = [each for each in drawn if each.alert_id is not None]
    judged = [each for each in drawn if each.baseline_minor]
    data = [
        _points(theme, "transactions", plain_ones, "primary", size=8),
        _points(theme, "with an alert", with_alert, "alarm", size=11, symbol="diamond"),
        _mean(theme, drawn, currency),
        _judged(theme, judged, currency),
    ]
    if limit_minor:
        data.append(_limit(theme, drawn, limit_minor / 10 ** exponent_of(currency)))
    return {
        "data": data,
        "layout": layout(
            theme,
            hovermode="closest",
            xaxis={"type": "date"},
            yaxis={"type": "log", "title": {"text": f"{currency}, logarithmic"}},
        ),
    }


def _points(
    theme: Theme, name: str, points: Sequence[Learned], colour: str, **marker: Any
) -> dict[str, Any]:
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [each.at for each in points],
        "y": [_units(each.amount_minor, each.currency) for each in points],
        "text": [_words(each) for each in points],
        "customdata": [each.alert_id for each in points],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": marker,
    }
    return coloured(theme, trace, marker__color=colour)


def _mean(theme: Theme, points: Sequence[Learned], currency: str) -> dict[str, Any]:
    trace = {
        "type": "scatter",
        "mode": "lines",
        "name": "the profile's mean",
        "x": [each.at for each in points],
        "y": [_units(each.mean_minor, currency) for each in points],
        "text": [f"mean of {each.amounts} amounts" for each in points],
        "hovertemplate": "%{y:,.2f}, %{text}<extra></extra>",
        "connectgaps": False,
        "line": {"width": 2, "shape": "hv"},
    }
    return coloured(theme, trace, line__color="second")


def _judged(theme: Theme, points: Sequence[Learned], currency: str) -> dict[str, Any]:
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": "usual, as an alert says",
        "x": [each.at for each in points],
        "y": [_units(each.baseline_minor, currency) for each in points],
        "hovertemplate": "usual %{y:,.2f}, by the alert's finding<extra></extra>",
        "marker": {"size": 10, "symbol": "x-thin", "line": {"width": 2}},
    }
    return coloured(theme, trace, marker__line__color="alarm")


def _limit(theme: Theme, points: Sequence[Learned], limit: float) -> dict[str, Any]:
    trace = {
        "type": "scatter",
        "mode": "lines",
        "name": "limit",
        "x": [points[0].at, points[-1].at],
        "y": [limit, limit],
        "hovertemplate": "limit %{y:,.2f}<extra></extra>",
        "line": {"width": 1.5, "dash": "dash"},
    }
    return coloured(theme, trace, line__color="text")


def _units(minor: float | None, currency: str) -> float | None:
    return None if minor is None else minor / 10 ** exponent_of(currency)


def _words(point: Learned) -> str:
    amount = format_amount(point.amount_minor, point.currency)
    return f"{amount}<br>{plain(point.where)}<br>{point.at.replace('T', ' ')}"
