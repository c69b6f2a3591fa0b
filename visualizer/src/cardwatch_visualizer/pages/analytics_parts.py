"""The filters and the panels of the analytics page."""

from typing import Any, Final

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from cardwatch_visualizer.archive.filters import DETECTORS
from cardwatch_visualizer.archive.time_spans import WINDOW, WINDOWS
from cardwatch_visualizer.pages.base import text_of
from cardwatch_visualizer.pages.panels import MAP, panel, stat, trouble
from cardwatch_visualizer.views.analytics import NAMED
from cardwatch_visualizer.views.analytics_links import choices, titles

_MODES: Final = {"": "any", "active": "active", "shadow": "on trial"}
_LABELS: Final = {
    "bank": "Banks",
    "country": "Countries",
    "category": "Categories",
    "detector": "Detectors",
}


def filters(query: dict[str, Any]) -> list[Component]:
    """Return the filters, as the address's query has them."""
    window, mode = text_of(query, "window"), text_of(query, "mode")
    windows = [{"value": name, "label": title} for name, title in titles().items()]
    modes = [{"value": key, "label": words} for key, words in _MODES.items()]
    return [
        dmc.Select(
            id="analytics-window",
            label="Window",
            data=windows,
            value=window if window in WINDOWS else WINDOW,
            allowDeselect=False,
        ),
        *(_many(name, query) for name in NAMED),
        dmc.Select(
            id="analytics-mode",
            label="Mode",
            data=modes,
            value=mode if mode in _MODES else "",
            allowDeselect=False,
        ),
        dmc.Switch(
            id="analytics-follow", label="follow", checked=not text_of(query, "until"), size="sm"
        ),
    ]


def _many(name: str, query: dict[str, Any]) -> Component:
    """Return a choice of several; which there are is known when the archive has answered."""
    chosen = list(choices(query, name))
    known = DETECTORS if name == "detector" else ()
    return dmc.MultiSelect(
        id=f"analytics-{name}",
        label=_LABELS[name],
        data=sorted({*known, *chosen}),
        value=chosen,
        placeholder="all",
        searchable=True,
    )


def links() -> Component:
    """Return where the span is said, and links with it."""
    return html.Div(
        [
            html.Span(id="analytics-span", className="cw-label", role="status"),
            html.Span(className="cw-gap"),
            html.A("Link to this moment", id="analytics-held", href="#", className="cw-button"),
            dcc.Link(
                "These alerts in the review",
                id="analytics-review",
                href="/review",
                className="cw-button",
            ),
        ],
        className="cw-bar",
    )


def tiles() -> Component:
    """Return the large figures, still empty."""
    share = stat("–", "alerts per 1,000 transactions", name="analytics-share")
    return html.Div(
        [
            html.Div(id="analytics-stats"),
            html.Div(id="analytics-rate-stats"),
            html.Div(share),
        ],
        className="cw-stats cw-groups",
    )


def panels() -> list[Component]:
    """Return the panels, still empty."""
    currency = dmc.Select(
        id="analytics-currency",
        label="Currency",
        data=[],
        value=None,
        placeholder="most used",
        className="cw-narrow",
    )
    alone = html.P(id="analytics-by-bank-alone", className="cw-label")
    caveat = html.P(id="analytics-caveat", className="cw-label")
    return [
        html.Div(
            [
                panel("analytics-time", "Alerts over time"),
                panel("analytics-rates", "Transactions a second by bank", above=[alone]),
                panel("analytics-by-bank", "Alerts by bank", height="270px"),
                panel("analytics-by-detector", "Alerts by detector", height="270px"),
                panel("analytics-by-country", "Alerts by country", height="270px"),
                panel("analytics-by-category", "Alerts by category", height="270px"),
                panel("analytics-hours", "Alerts by hour of the day", height="270px"),
            ],
            className="cw-plots",
        ),
        panel(
            "analytics-places",
            "Amounts by location",
            height="min(60vh, 560px)",
            config=MAP,
            above=[html.Div([currency, caveat], className="cw-bar")],
        ),
    ]


def troubles() -> list[Component]:
    """Return where it is said that something could not be asked, one for each question."""
    return [trouble(f"analytics-trouble-{name}") for name in ("alerts", "rates", "places")]
