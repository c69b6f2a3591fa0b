"""Users and cards: what is usual for a user, how that was learned, and what was unusual."""

from typing import Any, Final

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from cardwatch_visualizer.archive import cardholders
from cardwatch_visualizer.archive.connection import ArchiveAwayError
from cardwatch_visualizer.archive.filters import InvalidFilterError
from cardwatch_visualizer.figures.theme import theme_of
from cardwatch_visualizer.live.reading import now_ms
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.pages.base import Layout, Page, text_of
from cardwatch_visualizer.pages.panels import said_trouble, trouble, waited_for
from cardwatch_visualizer.pages.users_find import find, resolve
from cardwatch_visualizer.pages.users_parts import nobody, profile_page
from cardwatch_visualizer.pages.users_read import read
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.cardholder import address
from cardwatch_visualizer.views.times import zone_of

_DAY_MS: Final = 24 * 3_600_000
_UNKNOWN: Final = (
    "Nothing is known of such a user or card: nothing is archived yet, it is no longer kept, or "
    "was erased."
)


def layout(services: Services) -> Layout:
    """Return what makes the page."""

    def page(**query: Any) -> Component:
        user, card = text_of(query, "user"), text_of(query, "card")
        return html.Div(
            [
                html.H1("Users and cards", className="cw-title"),
                _search(shown(card or user)),
                trouble("users-trouble"),
                waited_for(html.Div(id="users-content", **{"aria-live": "polite"})),
                dcc.Store(id="users-who", data={"user": user, "card": card}),
            ],
            id="users-page",
        )

    return page


def _search(text: str) -> Component:
    return html.Div(
        [
            dmc.TextInput(
                id="users-text",
                label="User id or card token",
                value=text,
                n_submit=0,
            ),
            html.Button("Find", id="users-find", className="cw-button", n_clicks=0),
        ],
        className="cw-find",
        role="search",
    )


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks."""

    def looked_for(clicks: Any, submits: Any, text: Any) -> tuple[Any, str, bool]:
        if not clicks and not submits:
            return no_update, "", True  # a page that is opened asks too
        # What was typed goes into an address once it is known to be no card number.
        try:
            who = find(services, str(text or ""))
        except (ArchiveAwayError, InvalidFilterError) as error:
            return no_update, str(error), False
        if who is None:
            return no_update, _UNKNOWN, False
        return address(who.user_id, who.card_id), "", True

    app.callback(
        Output("go", "href", allow_duplicate=True),
        Output("users-trouble", "children"),
        Output("users-trouble", "hidden"),
        Input("users-find", "n_clicks"),
        Input("users-text", "n_submit"),
        State("users-text", "value"),
        prevent_initial_call=True,
    )(looked_for)

    def content(who: Any, scheme: Any, zone_name: Any) -> Component:
        asked = who if isinstance(who, dict) else {}
        try:
            return _content(services, asked, scheme, zone_name)
        except (ArchiveAwayError, InvalidFilterError) as error:
            return said_trouble(str(error))

    app.callback(
        Output("users-content", "children"),
        Input("users-who", "data"),
        # What says the theme, not what it is kept in: that is not known from the start.
        Input("mantine", "forceColorScheme"),
        Input("zone", "data"),
    )(content)


def _content(services: Services, asked: dict[str, Any], scheme: Any, zone_name: Any) -> Component:
    zone = zone_of(zone_name)
    who = resolve(services, text_of(asked, "user"), text_of(asked, "card"))
    if who is None:
        return html.P(_UNKNOWN, className="cw-empty")
    if not who.user_id:
        rows = cardholders.most_alerts(services.archive, now_ms() - _DAY_MS)
        return nobody(rows, zone)
    found = read(services, who, zone)
    if not found.cards and not found.alerts:
        return html.P(_UNKNOWN, className="cw-empty")
    return profile_page(found, theme_of(scheme), zone)


PAGE: Final = Page(
    name="users", path="/users", title="Users and cards", layout=layout, register=register
)
