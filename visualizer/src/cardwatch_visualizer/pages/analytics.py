"""Analytics: what the archive adds up to, over ten seconds to thirty days."""

from typing import Any, Final

import dash
from dash import Input, Output, State, dcc, html
from dash.development.base_component import Component

from cardwatch_visualizer.pages import analytics_answers as answers
from cardwatch_visualizer.pages.analytics_parts import (
    filters,
    links,
    panels,
    tiles,
    troubles,
)
from cardwatch_visualizer.pages.base import Layout, Page, text_of
from cardwatch_visualizer.pages.shell import in_browser
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.analytics import NAMED
from cardwatch_visualizer.views.analytics_links import CONTROLS

_EVERY_MS: Final = 30_000


def layout(services: Services) -> Layout:
    """Return what makes the page."""

    def page(**query: Any) -> Component:
        return html.Div(
            [
                html.H1("Analytics", className="cw-title"),
                html.Div(filters(query), className="cw-bar"),
                *troubles(),
                links(),
                tiles(),
                *panels(),
                dcc.Store(
                    id="analytics-filter", data={n: query.get(n) for n in (*CONTROLS, "until")}
                ),
                dcc.Store(id="analytics-until", data=text_of(query, "until") or None),
                dcc.Store(id="analytics-end"),
                dcc.Store(id="analytics-raised"),
                dcc.Store(id="analytics-paid"),
                dcc.Store(id="analytics-again"),
                dcc.Interval(id="analytics-clock", interval=_EVERY_MS),
            ],
            id="analytics-page",
        )

    return page


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks."""
    _in_browser(app)
    asked = [
        Input("analytics-filter", "data"),
        Input("analytics-again", "data"),
        # What says the theme, not what it is kept in: that is not known from the start.
        Input("mantine", "forceColorScheme"),
        Input("zone", "data"),
    ]
    app.callback(
        *(Output(name, "figure") for name in answers.ALERT_PLOTS),
        *(Output(f"{name}-table", "children") for name in answers.ALERT_PLOTS),
        *(Output(f"analytics-{name}", "data") for name in NAMED),
        Output("analytics-stats", "children"),
        Output("analytics-raised", "data"),
        Output("analytics-span", "children"),
        Output("analytics-held", "href"),
        Output("analytics-review", "href"),
        Output("analytics-clock", "interval"),
        Output("analytics-end", "data"),
        *_trouble("alerts"),
        *asked,
        *(State(f"analytics-{name}", "data") for name in NAMED),
    )(answers.alerts(services))
    app.callback(
        Output("analytics-rates", "figure"),
        Output("analytics-rates-table", "children"),
        Output("analytics-rate-stats", "children"),
        Output("analytics-paid", "data"),
        Output("analytics-by-bank-alone", "children"),
        *_trouble("rates"),
        *asked,
    )(answers.rates(services))
    app.callback(
        Output("analytics-places", "figure"),
        Output("analytics-places-table", "children"),
        Output("analytics-currency", "data"),
        Output("analytics-caveat", "children"),
        *_trouble("places"),
        *asked,
        Input("analytics-currency", "value"),
    )(answers.places(services))


def _in_browser(app: dash.Dash) -> None:
    app.clientside_callback(
        in_browser("analyticsFilter"),
        Output("analytics-filter", "data"),
        *(Input(f"analytics-{name}", "value") for name in CONTROLS),
        Input("analytics-until", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        in_browser("analyticsHold"),
        Output("analytics-until", "data"),
        Input("analytics-follow", "checked"),
        State("analytics-end", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        in_browser("analyticsShare"),
        Output("analytics-share", "children"),
        Input("analytics-raised", "data"),
        Input("analytics-paid", "data"),
    )
    app.clientside_callback(
        in_browser("analyticsAgain"),
        Output("analytics-again", "data"),
        Input("analytics-clock", "n_intervals"),
        State("analytics-until", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        in_browser("analyticsChoose"),
        *(Output(f"analytics-{name}", "value") for name in NAMED),
        *(Output(f"analytics-by-{name}", "clickData") for name in NAMED),
        *(Input(f"analytics-by-{name}", "clickData") for name in NAMED),
        *(State(f"analytics-{name}", "value") for name in NAMED),
        prevent_initial_call=True,
    )


def _trouble(name: str) -> tuple[Output, Output]:
    return (
        Output(f"analytics-trouble-{name}", "children"),
        Output(f"analytics-trouble-{name}", "hidden"),
    )


PAGE: Final = Page(
    name="analytics", path="/analytics", title="Analytics", layout=layout, register=register
)
