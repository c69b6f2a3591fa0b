"""The live page: rates, latency, lag, configs, and alerts as they come in four views."""

from typing import Any, Final

import dash
from dash import Input, Output, dcc, html
from dash.development.base_component import Component

from cardwatch_visualizer.figures.live import lag_figure, latency_figure, rates_figure
from cardwatch_visualizer.pages.base import Layout, Page, text_of
from cardwatch_visualizer.pages.live_parts import VIEWS, stream
from cardwatch_visualizer.pages.panels import filled_table, plot, section, stat, trouble
from cardwatch_visualizer.pages.shell import in_browser
from cardwatch_visualizer.services import Services

_STATS: Final = (
    ("tps", "transactions/s"),
    ("aps", "alerts/s"),
    ("p50", "half within"),
    ("p99", "99 of 100 within"),
    ("waits", "wait for the job"),
    ("left-out", "not shown one by one"),
)
_BANKS: Final = ("bank", "transactions/s")
_CONFIGS: Final = ("config", "generation", "subtasks that judge by it")


def layout(services: Services) -> Layout:
    """Return what makes the page."""

    def page(**query: Any) -> Component:
        view = text_of(query, "view")
        return html.Div(
            [
                html.H1("Live", className="cw-title"),
                trouble("live-trouble"),
                html.Div(
                    [stat("–", words, name=f"live-{name}") for name, words in _STATS],
                    className="cw-stats",
                ),
                html.Div(
                    [
                        section("Rates", plot("live-rates", rates_figure("light"))),
                        section("Latency", plot("live-latency", latency_figure("light"))),
                        section("Backlog", plot("live-lag", lag_figure("light"))),
                        section("Transactions by bank", filled_table("live-by-bank", _BANKS)),
                        section("Configs in force", filled_table("live-configs", _CONFIGS)),
                    ],
                    className="cw-plots",
                ),
                stream(view if view in VIEWS else "stream", text_of(query, "filter")),
                dcc.Store(id="live-controls"),
            ],
            id="live-page",
        )

    return page


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks; all run in the browser, which has the ticks already."""
    app.clientside_callback(
        in_browser("control"),
        Output("live-controls", "data"),
        Input("live-view", "value"),
        Input("live-filter", "value"),
        Input("live-banks", "value"),
        Input("live-detectors", "value"),
        Input("live-trials", "checked"),
    )
    for button in ("pause", "step"):
        app.clientside_callback(
            in_browser(button),
            Output(f"live-{button}", "title"),
            Input(f"live-{button}", "n_clicks"),
            prevent_initial_call=True,
        )
    app.clientside_callback(
        in_browser("openRow"),
        Output("go", "href"),
        Input("live-grid", "cellClicked"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        in_browser("filterBy"),
        Output("live-filter", "value"),
        Output("live-view", "value"),
        Input("live-groups", "cellClicked"),
        prevent_initial_call=True,
    )


PAGE: Final = Page(name="live", path="/", title="Live", layout=layout, register=register)
