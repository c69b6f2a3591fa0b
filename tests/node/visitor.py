"""An analyst at the visualizer, as far as a program can be one."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
from tests.node.release import Release

PAGE: Final = {"Accept": "text/html"}
_PORT: Final = 8050
_ANSWER_S: Final = 30.0


def url_of(release: Release) -> str:
    """Return where this machine reaches the visualizer."""
    return release.url_of("cardwatch-visualizer", _PORT)


@contextmanager
def visitor_of(release: Release) -> Iterator[httpx.Client]:
    """Give a client that has logged in with the password that a release has generated."""
    secret = release.get("secret", "cardwatch-visualizer-login")["data"]
    form = {"name": "analyst", "password": base64.b64decode(secret["password"]).decode()}
    with httpx.Client(base_url=url_of(release), timeout=_ANSWER_S) as client:
        entered = client.post("/login?next=/review", data=form)
        assert (entered.status_code, entered.headers["location"]) == (302, "/review")
        # By hand: it is for TLS alone, which nothing here speaks.
        client.headers["Cookie"] = entered.headers["set-cookie"].partition(";")[0]
        yield client


def is_current(visitor: httpx.Client) -> bool:
    """Whether pages can be shown, and a collector has written lately what happens."""
    answer = visitor.get("/readyz")
    return answer.status_code == 200 and answer.json() == {"ready": True, "why": []}


def pages_by_pod(release: Release, visitor: httpx.Client) -> dict[str, int]:
    """Return what each replica answers when an analyst asks for a page: the status, by pod."""
    pods = release.items("pods", "-l", "app.kubernetes.io/name=cardwatch-visualizer")
    addresses = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in pods}
    return {
        name: visitor.get(f"http://{address}:{_PORT}/review", headers=PAGE).status_code
        for name, address in addresses.items()
    }
