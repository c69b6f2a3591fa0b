"""The visualizer's live page, open in a browser several times, and what each of them was sent."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psutil
from playwright.sync_api import CDPSession, Page
from tests.browser.chromium import running_chromium

_WIDTH, _HEIGHT = 1_440, 1_000
_LISTEN: Final = """(() => {
  const kept = (window.soak = { numbers: [], late: [] });
  const Real = window.EventSource;
  window.EventSource = class extends Real {
    constructor(...given) {
      super(...given);
      this.addEventListener("snapshot", (event) => kept.numbers.push(event.lastEventId));
      this.addEventListener("tick", (event) => {
        kept.numbers.push(event.lastEventId);
        kept.late.push(Date.now() - parseInt(event.lastEventId, 10));
      });
    }
  };
})()"""
"""Notes the number of every tick and how old it is when the page's own code gets to run.

A tick's number is when it was made, in milliseconds since 1970-01-01 UTC.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageUse:
    """What a page holds once its garbage is collected."""

    heap_bytes: int
    nodes: int
    listeners: int


class OpenPage:
    """One of them.

    Args:
        page: the page.
        session: its developer tools.
    """

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session
        session.send("Performance.enable")

    def use(self) -> PageUse:
        """Collect garbage and return what is left."""
        self._session.send("HeapProfiler.collectGarbage")
        answer: dict[str, Any] = self._session.send("Performance.getMetrics")
        metrics = {each["name"]: each["value"] for each in answer["metrics"]}
        return PageUse(
            heap_bytes=round(metrics["JSHeapUsedSize"]),
            nodes=round(metrics["Nodes"]),
            listeners=round(metrics["JSEventListeners"]),
        )

    def numbers(self) -> list[str]:
        """Return the numbers of the snapshots and ticks it was sent, in order."""
        found: list[str] = self._page.evaluate("window.soak.numbers")
        return found

    def late_ms(self) -> list[float]:
        """Return how late its ticks were, and forget them."""
        found: list[float] = self._page.evaluate("window.soak.late.splice(0)")
        return found


class OpenPages:
    """All of them, each of a user of its own: browsers share connections between tabs.

    Args:
        pages: which.
        browser: the process that they are processes of.
    """

    def __init__(self, pages: Sequence[OpenPage], browser: int) -> None:
        self.pages = pages
        self.browser = browser


@contextmanager
def open_pages(url: str, count: int) -> Iterator[OpenPages]:
    """Open the live page `count` times, and wait until alerts stand in each."""
    before = {child.pid for child in psutil.Process().children()}
    with running_chromium() as browser:
        driver = next(child.pid for child in psutil.Process().children() if child.pid not in before)
        pages = []
        for _ in range(count):
            context = browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT})
            context.set_default_timeout(180_000)
            context.add_init_script(_LISTEN)
            page = context.new_page()
            page.goto(url)
            page.wait_for_selector("#live-grid .ag-row")
            pages.append(OpenPage(page, context.new_cdp_session(page)))
        yield OpenPages(pages, driver)
