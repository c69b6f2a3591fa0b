"""What is around every page: navigation, theme, who is logged in."""

from dataclasses import asdict

import dash
import dash_mantine_components as dmc
import msgspec
from dash import ClientsideFunction, Input, Output, State, dcc, html
from dash.development.base_component import Component

from cardwatch_visualizer.auth.gate import identity
from cardwatch_visualizer.figures.theme import LOOKS
from cardwatch_visualizer.settings import VisualizerSettings

NAMESPACE = "cardwatch"
"""Of the functions in `assets` that run in the browser."""


def in_browser(function: str) -> ClientsideFunction:
    """Return a function of `assets`."""
    return ClientsideFunction(namespace=NAMESPACE, function_name=function)


def shell(settings: VisualizerSettings) -> "ShellLayout":
    """Return what makes the layout; called for each browser, since it names who is logged in."""
    return ShellLayout(settings)


class ShellLayout:
    """The layout around pages.

    Args:
        settings: how people log in.
    """

    def __init__(self, settings: VisualizerSettings) -> None:
        self._settings = settings

    def __call__(self) -> Component:
        """Make it."""
        return dmc.MantineProvider(
            id="mantine",
            forceColorScheme="light",
            theme={"primaryColor": "blue", "fontFamily": "system-ui, sans-serif"},
            children=[
                dcc.Store(id="theme", storage_type="local"),
                dcc.Store(id="zone"),
                dcc.Store(id="here"),
                dcc.Location(id="go", refresh="callback-nav"),
                html.Div(id="looks", hidden=True, **{"data-looks": _looks()}),
                html.A("Skip to the content", href="#content", className="cw-skip"),
                *self._banner(),
                self._header(),
                html.Main(dash.page_container, id="content", className="cw-main", tabIndex="-1"),
            ],
        )

    def _banner(self) -> list[Component]:
        if self._settings.login != "none":
            return []
        words = "Login is off: whoever opens this page may do everything. For a demo alone."
        said = html.Strong(words)
        return [html.Aside(said, className="cw-banner", id="no-login", **{"aria-label": "Login"})]

    def _header(self) -> Component:
        pages = sorted(dash.page_registry.values(), key=lambda page: page["order"])
        links = [
            dcc.Link(
                page["name"], href=page["path"], className="cw-nav", id=f"nav-{page['module']}"
            )
            for page in pages
        ]
        return html.Header(
            [
                html.Span("Cardwatch", className="cw-brand"),
                html.Nav(links, className="cw-navs", **{"aria-label": "Pages"}),
                html.Span(className="cw-gap"),
                html.Span("…", id="live-badge", className="cw-badge", role="status"),
                *self._who(),
                dmc.Switch(
                    id="dark",
                    label="Dark",
                    checked=False,
                    size="sm",
                    className="cw-dark",
                ),
            ],
            className="cw-header",
        )

    def _who(self) -> list[Component]:
        who = identity()
        words = html.Span(f"{who.name} · {who.role}", className="cw-who", id="who")
        if self._settings.login != "users":
            return [words]
        button = html.Button("Log out", type="submit", className="cw-button")
        return [words, html.Form(button, action="/logout", method="POST")]


def _looks() -> str:
    """Return the colours of both themes, JSON, for what changes them in the browser."""
    looks = {theme: asdict(look) for theme, look in LOOKS.items()}
    return msgspec.json.encode(looks).decode()


def register_shell(app: dash.Dash) -> None:
    """Add the callbacks of what is around pages; all run in the browser."""
    app.clientside_callback(
        in_browser("chooseTheme"),
        Output("theme", "data"),
        Input("dark", "checked"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        in_browser("applyTheme"),
        Output("mantine", "forceColorScheme"),
        Output("dark", "checked"),
        Input("theme", "modified_timestamp"),
        State("theme", "data"),
    )
    app.clientside_callback(in_browser("zone"), Output("zone", "data"), Input("zone", "id"))
    app.clientside_callback(
        in_browser("here"), Output("here", "data"), Input("_pages_location", "pathname")
    )
    app.clientside_callback(
        in_browser("follow"), Output("live-badge", "title"), Input("_pages_location", "pathname")
    )
