"""Every page in a phone's browser."""

from typing import Final

import pytest
from playwright.sync_api import Browser
from tests.browser.archived import until_filled
from tests.browser.pages import opened, shoot, until

from cardwatch_local.endpoints import Endpoints
from cardwatch_visualizer.pages import PAGES
from cardwatch_visualizer.pages.base import Page as OurPage

_WIDTH: Final = 390
"""Of a phone's window. Pixels."""
_TABLES_DRAWN: Final = (
    "[...document.querySelectorAll('.cw-grid')]"
    ".every((grid) => grid.offsetParent === null || grid.querySelector('.ag-header-cell'))"
)
pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("ours", PAGES, ids=lambda ours: ours.name)
def test_nothing_is_cut_off_and_every_page_can_be_reached(
    browser: Browser, endpoints: Endpoints, ours: OurPage
) -> None:
    until_filled(endpoints)
    with opened(browser, f"{endpoints.visualizer_url}{ours.path}", width=_WIDTH) as found:
        page, complaints = found
        page.wait_for_selector("main h1")
        here = "(document.querySelector('nav [aria-current=page]') || document.body).textContent"
        until(page, f"{here} === '{ours.title}'", "the navigation says which page it is")
        for each in PAGES:
            box = page.locator(f"#nav-{each.name}").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= _WIDTH, each.name
        until(page, f"document.documentElement.scrollWidth <= {_WIDTH}", "nothing is too wide")
        until(page, _TABLES_DRAWN, "tables are drawn")
        shoot(page, f"{ours.name}-phone")
        assert complaints.said == []
