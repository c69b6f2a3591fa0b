"""Pages are whole: what callbacks name is there, and nothing in them is asked of another host."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from cardwatch_visualizer.app import build_app
from cardwatch_visualizer.auth.identity import Identity
from cardwatch_visualizer.pages import PAGES
from cardwatch_visualizer.services import Services, open_services
from cardwatch_visualizer.settings import VisualizerSettings

_SETTINGS = VisualizerSettings(
    bootstrap_servers="127.0.0.1:1", valkey_url="valkey://127.0.0.1:1", login="none"
)


@pytest.fixture(scope="module")
def services() -> Services:
    return open_services(_SETTINGS)


@pytest.fixture(scope="module")
def app(services: Services) -> Flask:
    return build_app(_SETTINGS, services, key=b"k" * 32, ended=lambda: False)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as client:
        yield client


def laid_out(app: Flask, services: Services, page: Any, role: Any = "analyst", **query: str) -> Any:
    """Return a page's layout as JSON has it."""
    with app.app_context():
        g.identity = Identity(name="ana", role=role)
        return json.loads(json.dumps(page.layout(services)(**query), default=_plain))


def _plain(component: Any) -> Any:
    return component.to_plotly_json()


def ids_in(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from ids_in(each)
    elif isinstance(node, dict):
        if isinstance(node.get("id"), str):
            yield node["id"]
        for each in node.values():
            yield from ids_in(each)


def test_every_callback_names_what_is_on_a_page(
    app: Flask, services: Services, client: FlaskClient
) -> None:
    there = set(ids_in(client.get("/_dash-layout").get_json()))
    for page in PAGES:
        there |= set(ids_in(laid_out(app, services, page)))
    named = set()
    for callback in client.get("/_dash-dependencies").get_json():
        outputs = re.findall(r"([\w-]+)\.\w+", callback["output"])
        inputs = [each["id"] for each in (*callback["inputs"], *callback["state"])]
        named |= {*outputs, *inputs}
    ours = {name for name in named if not name.startswith("_pages")}
    assert ours - there == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_id_is_twice_on_a_page(app: Flask, services: Services, page: Any) -> None:
    ids = list(ids_in(laid_out(app, services, page)))
    assert len(ids) == len(set(ids))


def test_the_page_runs_no_script_that_the_policy_does_not_name(client: FlaskClient) -> None:
    client.get("/")
    answer = client.get("/")
    page, policy = answer.get_data(as_text=True), answer.headers["Content-Security-Policy"]
    inline = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    scripts = [text for kind, text in inline if text and "application/json" not in kind]
    assert scripts
    for script in scripts:
        digest = b64encode(sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    sources = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert sources
    assert all(source.startswith("/") for source in sources), "nothing is of another host"


def test_a_link_fills_the_filters(app: Flask, services: Services) -> None:
    review = next(page for page in PAGES if page.name == "review")
    layout = json.dumps(
        laid_out(app, services, review, search="phones", bank="A,B", answer="unanswered")
    )
    assert '"value": "phones"' in layout
    assert '"value": ["A", "B"]' in layout
    assert '"value": "unanswered"' in layout


def test_a_hostile_link_is_text(app: Flask, services: Services) -> None:
    live = next(page for page in PAGES if page.name == "live")
    layout = laid_out(app, services, live, view="<script>", filter="<script>alert(1)</script>")
    assert '"value": "stream"' in json.dumps(layout), "an unknown view is the first"


@pytest.mark.parametrize(("role", "disabled"), [("viewer", 3), ("analyst", 0)])
def test_a_viewer_has_no_button_to_answer_with(
    app: Flask, services: Services, role: str, disabled: int
) -> None:
    review = next(page for page in PAGES if page.name == "review")
    layout = json.dumps(laid_out(app, services, review, role=role))
    assert layout.count('"disabled": true') == disabled


def test_who_is_shown_is_who_asks(client: FlaskClient) -> None:
    layout = client.get("/_dash-layout").get_data(as_text=True)
    assert "demo" in layout
    assert "Login is off" in layout


@pytest.mark.parametrize("address", ["/NDgwMTgy", "/?filter=NDgwMTgy", "/review?search=NDgwMTgy"])
def test_an_answer_does_not_repeat_its_address(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    assert "NDgwMTgy" not in answer.text
