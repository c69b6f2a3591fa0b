"""A page in the browser, and what it complains of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page
from tests.browser.conftest import SHOTS

DEADLINE_MS: Final = 180_000
_WIDTH, _HEIGHT = 1440, 1000

Scheme = Literal["light", "dark"]


class Complaints:
    """What went wrong in a page: errors, refused scripts, requests to elsewhere."""

    def __init__(self, page: Page, url: str) -> None:
        self.said: list[str] = []
        host = urlsplit(url).netloc
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("console", self._console)

        def asked(request: Any) -> None:
            parts = urlsplit(request.url)
            if parts.scheme in ("http", "https") and parts.netloc != host:
                self.said.append(f"asked elsewhere: {request.url}")

        page.on("request", asked)

    def _console(self, message: Any) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.said.append(f"console: {message.text}")


@contextmanager
def opened(
    browser: Browser,
    url: str,
    *,
    scheme: Scheme = "light",
    zone: str = "Europe/Berlin",
    width: int = _WIDTH,
) -> Iterator[tuple[Page, Complaints]]:
    """Open a page; its complaints are the test's to look at."""
    context = browser.new_context(
        viewport={"width": width, "height": _HEIGHT},
        color_scheme=scheme,
        timezone_id=zone,
        locale="en-GB",
    )
    context.set_default_timeout(DEADLINE_MS)
    page = context.new_page()
    complaints = Complaints(page, url)
    try:
        page.goto(url)
        yield page, complaints
    finally:
        context.close()


def until(page: Page, condition: str, what: str) -> None:
    """Wait until an expression of JavaScript is true in the page.

    It is asked from outside: the page's policy lets no text be run as a script within. What asks
    something that is not there yet is not true yet.
    """
    tried = f"() => {{ try {{ return Boolean({condition}); }} catch {{ return false; }} }}"
    eventually(page, lambda: bool(page.evaluate(tried)), what)


def eventually(page: Page, condition: Callable[[], bool], what: str) -> None:
    """Wait until something outside the page is true, while the page goes on."""
    for _ in range(DEADLINE_MS // 250):
        if condition():
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"not in time: {what}")


def until_coloured(page: Page, scheme: Scheme) -> None:
    """Wait until the page and all of its plots have a theme's colours."""
    looks = "JSON.parse(document.getElementById('looks').dataset.looks)"
    until(
        page,
        f"document.documentElement.dataset.theme === '{scheme}' "
        "&& [...document.querySelectorAll('.js-plotly-plot')].every((plot) => !plot.layout "
        f"|| !plot.layout.font || plot.layout.font.color === {looks}['{scheme}'].text)",
        "all has the theme's colours",
    )


def shoot(page: Page, name: str) -> Path:
    """Take a screenshot of the whole page into `build/screenshots`."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    path = SHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path


def serious_findings(page: Page, axe: str) -> list[str]:
    """Return what axe-core finds that is serious or critical."""
    page.evaluate(axe)  # the page's policy lets no script in; the browser's own console may
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes']][:5]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
