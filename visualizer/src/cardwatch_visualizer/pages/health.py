"""Health: the pipeline with its rates, who waits for what, subtasks' word, and dead letters."""

from typing import Any, Final

import dash
from dash import Input, Output, State, dcc, html
from dash.development.base_component import Component

from cardwatch_visualizer.live.letters import LettersAwayError
from cardwatch_visualizer.pages.base import Layout, Page, text_of
from cardwatch_visualizer.pages.health_parts import (
    NO_LETTER,
    letter_pane,
    letters_grid,
    pipeline,
)
from cardwatch_visualizer.pages.panels import filled_table, said_trouble, section, trouble
from cardwatch_visualizer.pages.shell import in_browser
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.letters import find_letter, letter_row, shown_letter
from cardwatch_visualizer.views.times import zone_of

_READERS: Final = ("who reads", "topic", "records that wait", "how it goes on")
_TOPICS: Final = ("topic", "records a second", "kept, about", "newest record")
_ACKS: Final = ("config", "generation", "what each subtask judges by")
_GONE: Final = "It is no longer among the last ones."


def layout(services: Services) -> Layout:
    """Return what makes the page."""

    def page(**query: Any) -> Component:
        return html.Div(
            [
                html.H1("Health", className="cw-title"),
                # The live page's own: filled wherever it is there.
                trouble("live-trouble"),
                html.Div(
                    "Waiting for what the collector knows …",
                    id="health-summary",
                    className="cw-panel cw-summary",
                    role="status",
                ),
                section("Pipeline", pipeline()),
                html.Div(
                    [
                        section("Who waits for what", filled_table("health-readers", _READERS)),
                        section("Configs by subtask", filled_table("health-acks", _ACKS)),
                    ],
                    className="cw-plots",
                ),
                section("Topics", filled_table("health-topics", _TOPICS), name="cw-above"),
                html.Div(
                    [
                        section("Last dead letters", *letters_grid(), name="cw-list"),
                        html.Section(
                            NO_LETTER,
                            id="health-pane",
                            className="cw-panel cw-detail",
                            **{"aria-label": "A dead letter", "aria-live": "polite"},
                        ),
                    ],
                    className="cw-review",
                ),
                dcc.Store(id="health-count"),
                dcc.Store(id="health-letter", data=text_of(query, "letter") or None),
            ],
            id="health-page",
        )

    return page


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks; the picture and the tables are drawn in the browser, from ticks."""

    def look(_: Any, __: Any) -> tuple[Any, str, bool]:
        try:
            return [letter_row(letter) for letter in services.letters.read()], "", True
        except LettersAwayError as error:
            return [], f"{error}.", False

    app.callback(
        Output("health-letters", "rowData"),
        Output("health-letters-trouble", "children"),
        Output("health-letters-trouble", "hidden"),
        Input("health-look", "n_clicks"),
        Input("health-count", "data"),
    )(look)
    app.clientside_callback(
        in_browser("openLetter"),
        Output("health-letter", "data"),
        Input("health-letters", "cellClicked"),
        prevent_initial_call=True,
    )

    def show(name: Any, zone: Any) -> Any:
        if not name:
            return NO_LETTER
        try:
            letter = find_letter(services.letters.read(), name)
        except LettersAwayError as error:
            return [said_trouble(f"{error}.")]
        if letter is None:
            return [html.P(_GONE, className="cw-empty")]
        return letter_pane(shown_letter(letter, zone_of(zone)))

    app.callback(
        Output("health-pane", "children"),
        Input("health-letter", "data"),
        State("zone", "data"),
    )(show)


PAGE: Final = Page(name="health", path="/health", title="Health", layout=layout, register=register)
