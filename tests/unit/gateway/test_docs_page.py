"""The page that describes the interface, without any server."""

import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cardwatch_gateway.docs_page import add_docs_page


@pytest.fixture(scope="module")
def client() -> TestClient:
    application = FastAPI(docs_url=None)
    add_docs_page(application)
    return TestClient(application)


def test_the_page_loads_what_is_served_beside_it_and_names_no_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "//" not in page.text
    loaded = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text)
    assert len(loaded) == 3
    for path in loaded:
        answer = client.get(f"/{path}")
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "//" not in client.get("/docs/start.js").text


def test_a_browser_is_told_to_load_nothing_from_elsewhere(client: TestClient) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == allowed["connect-src"] == "'self'"
    assert "http" not in policy


def test_the_script_brings_what_the_page_starts(client: TestClient) -> None:
    assert "SwaggerUIBundle" in client.get("/docs/swagger-ui-bundle.js").text
    assert "SwaggerUIBundle(" in client.get("/docs/start.js").text
