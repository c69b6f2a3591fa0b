"""Links to a user's page from others."""

from dash import dcc
from dash.development.base_component import Component

from cardwatch_visualizer.views.cardholder import address


def with_link(name: str, value: str) -> Component | str:
    """Return a fact's value, as a link where it is a user or a card."""
    if name == "user":
        return dcc.Link(value, href=address(value), className="cw-link")
    if name == "card":
        return dcc.Link(value, href=address("", value), className="cw-link")
    return value
