"""One worker's application: Flask for routes and login, Dash for pages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import dash
from dash.development.base_component import Component
from flask import Flask

from cardwatch_visualizer.addresses import without_cards
from cardwatch_visualizer.auth.gate import Gate
from cardwatch_visualizer.auth.throttle import Throttle
from cardwatch_visualizer.live.store import valkey_client
from cardwatch_visualizer.pages import PAGES
from cardwatch_visualizer.pages.base import Layout
from cardwatch_visualizer.pages.shell import register_shell, shell
from cardwatch_visualizer.routes import add_edge, add_routes
from cardwatch_visualizer.security import content_security_policy
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.settings import VisualizerSettings

_ASSETS: Final = Path(__file__).parent / "assets"
_INDEX: Final = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" href="/assets/favicon.svg" type="image/svg+xml">
{%css%}
</head>
<body>
{%app_entry%}
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""
_VIEWPORT: Final = {"name": "viewport", "content": "width=device-width, initial-scale=1"}
_MAX_BODY_BYTES: Final = 1_048_576


def build_app(
    settings: VisualizerSettings, services: Services, *, key: bytes, ended: Callable[[], bool]
) -> Flask:
    """Return the application.

    Args:
        settings: how people log in, and more.
        services: what pages work with.
        key: signs sessions, the same in all workers.
        ended: whether this process stops.

    Raises:
        InvalidUsersError: the users file cannot be used.
    """
    server = Flask("cardwatch_visualizer", static_folder=None)
    server.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    throttle = Throttle(valkey_client(settings.valkey_url, most_connections=4))

    def policy() -> str:
        # Not kept: Dash writes one of its scripts with the first page that it answers.
        return content_security_policy(f"'{each.strip(chr(39))}'" for each in pages.csp_hashes())

    add_edge(server, services, policy)
    Gate(settings, throttle, key).install(server)
    add_routes(server, services, ended=ended)
    # Last: with the first request Dash makes a layout, which must know by then who asks.
    pages = _pages(server, settings, services)
    return server


def _pages(server: Flask, settings: VisualizerSettings, services: Services) -> dash.Dash:
    app = dash.Dash(
        "cardwatch_visualizer",
        server=server,
        use_pages=True,
        pages_folder="",
        assets_folder=str(_ASSETS),
        serve_locally=True,
        suppress_callback_exceptions=True,
        index_string=_INDEX,
        meta_tags=[_VIEWPORT],
        include_pages_meta=False,  # they repeat the address, with whatever somebody put into it
        title="Cardwatch",
        update_title=None,
    )
    for order, page in enumerate(PAGES):
        dash.register_page(
            page.name,
            path=page.path,
            title=f"{page.title} · Cardwatch",
            name=page.title,
            order=order,
            layout=_asked_without_cards(page.layout(services)),
        )
        page.register(app, services)
    app.layout = shell(settings)
    register_shell(app)
    return app


def _asked_without_cards(layout: Layout) -> Layout:
    def page(**query: Any) -> Component:
        return layout(**without_cards(query))

    return page
