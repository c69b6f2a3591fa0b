"""A card's recent history, with one transaction marked. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cardwatch_contracts.money import exponent_of, format_amount
from cardwatch_visualizer.figures.theme import LOOKS, Figure, Theme, layout, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One transaction of a card."""

    transaction_id: str
    at: str
    """When, ISO 8601 without a zone, in the viewer's."""
    amount_minor: int
    currency: str
    where: str
    """Merchant and city, as they may stand on a screen."""
    has_alert: bool


def history_figure(
    theme: Theme, payments: Sequence[Payment], marked: str, *, baseline_minor: float | None = None
) -> Figure:
    """Return amounts over time, those with alerts in another shape and one in a ring.

    Only transactions in the marked one's currency are drawn: amounts of others do not compare.

    Args:
        theme: light or dark.
        payments: oldest first.
        marked: id of the transaction in question.
        baseline_minor: what is usual for the card, minor units; None: not known.
    """
    look = LOOKS[theme]
    currency = next((p.currency for p in payments if p.transaction_id == marked), None)
    drawn = [p for p in payments if currency is None or p.currency == currency]
    ring = [p for p in drawn if p.transaction_id == marked]
    data = [
        _points("other transactions", [p for p in drawn if not p.has_alert], color=look.primary),
        _points(
            "with an alert", [p for p in drawn if p.has_alert], color=look.alarm, symbol="diamond"
        ),
        _points(
            "this transaction",
            ring,
            color="rgba(0,0,0,0)",
            size=18,
            line={"color": look.alarm, "width": 2.5},
        ),
    ]
    shapes = []
    if baseline_minor is not None and currency is not None:
        y = baseline_minor / 10 ** exponent_of(currency)
        line = {"color": look.second, "dash": "dot"}
        across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y}
        shapes = [{**across, "line": line}]
    return {
        "data": data,
        "layout": layout(
            theme,
            hovermode="closest",
            xaxis={"type": "date"},
            yaxis={"title": {"text": currency or ""}, "rangemode": "tozero"},
            shapes=shapes,
        ),
    }


def _points(name: str, payments: Sequence[Payment], **marker: Any) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [p.at for p in payments],
        "y": [p.amount_minor / 10 ** exponent_of(p.currency) for p in payments],
        "text": [_words(p) for p in payments],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 9, **marker},
        "cliponaxis": False,  # small amounts stand on the axis
    }


def _words(payment: Payment) -> str:
    amount = format_amount(payment.amount_minor, payment.currency)
    return f"{amount}<br>{plain(payment.where)}<br>{payment.at.replace('T', ' ')}"
