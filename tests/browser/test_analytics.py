"""What an analyst does with analytics and with users, in a real browser on a whole stack."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.archived import until_filled
from tests.browser.pages import (
    Complaints,
    Scheme,
    opened,
    serious_findings,
    shoot,
    until,
    until_coloured,
)

from cardwatch_local.endpoints import Endpoints

pytestmark = pytest.mark.timeout(600)

_BY_DETECTOR = "document.querySelector('#analytics-by-detector .js-plotly-plot')"
_BARS_THERE = f"{_BY_DETECTOR} && {_BY_DETECTOR}.data && {_BY_DETECTOR}.data.length === 2"
_PLACES = "document.querySelector('#analytics-places .js-plotly-plot')"
_PLACES_THERE = f"{_PLACES} && {_PLACES}.data && {_PLACES}.data.length === 3"
_USER_ROWS = "document.querySelectorAll('#users-content tbody tr').length"
_LEARNING = "document.querySelector('#users-learning .js-plotly-plot')"


@pytest.fixture(scope="module", autouse=True)
def filled(endpoints: Endpoints) -> None:
    """There are alerts and counts before a page is opened."""
    until_filled(endpoints)


@pytest.fixture
def analytics(browser: Browser, endpoints: Endpoints) -> Iterator[tuple[Page, Complaints]]:
    with opened(browser, f"{endpoints.visualizer_url}/analytics") as found:
        until_drawn(found[0])
        yield found


def until_drawn(page: Page) -> None:
    """Wait until alerts and places are drawn."""
    page.wait_for_selector("#analytics-page")
    until(page, f"Boolean({_BARS_THERE} && {_PLACES_THERE})", "bars and places are drawn")


def test_what_the_archive_adds_up_to_is_drawn(analytics: tuple[Page, Complaints]) -> None:
    page, complaints = analytics
    drawn = page.evaluate(f"{_BY_DETECTOR}.data[0].x.reduce((sum, each) => sum + each, 0)")
    assert drawn > 0
    alerts = page.inner_text("#analytics-stats .cw-figure")
    assert int(alerts.replace(",", "")) > 0
    assert page.inner_text("#analytics-span").startswith("From ")
    page.locator("#analytics-by-detector-table").locator("xpath=..").locator("summary").click()
    assert page.locator("#analytics-by-detector-table tbody tr").count() > 0
    assert complaints.said == []


def test_a_click_on_a_bar_filters_by_it_and_the_address_says_so(
    analytics: tuple[Page, Complaints],
) -> None:
    page, complaints = analytics
    name = page.evaluate(f"{_BY_DETECTOR}.data[0].customdata[0]")
    bar = page.locator("#analytics-by-detector .js-plotly-plot .point path").first
    bar.hover(force=True)
    hovered = f"{_BY_DETECTOR}.querySelector('.hoverlayer .hovertext') !== null"
    until(page, hovered, "plotly has found what is below the pointer")
    bar.click(force=True)
    until(
        page,
        f"new URLSearchParams(window.location.search).get('detector') === '{name}'",
        "the address has the filter",
    )
    until(page, "document.querySelector('#analytics-share').textContent === '–'", "no share of it")
    page.reload()
    until_drawn(page)
    assert f"detector={name}" in page.url
    assert complaints.said == []


@pytest.mark.parametrize("window", ["10s", "1m", "24h", "30d"])
def test_every_window_has_a_link(browser: Browser, endpoints: Endpoints, window: str) -> None:
    url = f"{endpoints.visualizer_url}/analytics?window={window}"
    with opened(browser, url) as (page, complaints):
        until(
            page,
            "document.querySelector('#analytics-span').textContent.startsWith('From ')",
            "the span is said",
        )
        assert page.locator(".cw-trouble:visible").count() == 0
        assert f"window={window}" in (page.get_attribute("#analytics-held", "href") or "")
        assert complaints.said == []


def test_a_bad_link_says_what_is_allowed(browser: Browser, endpoints: Endpoints) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/analytics?until=soon") as (page, _):
        page.wait_for_selector("#analytics-trouble-alerts:visible")
        assert "milliseconds" in page.inner_text("#analytics-trouble-alerts")


def test_a_moment_is_held_and_followed_again(analytics: tuple[Page, Complaints]) -> None:
    page, _ = analytics
    follow = page.get_by_role("switch", name="follow")
    follow.press("Space")
    until(page, "window.location.search.includes('until=')", "the end is held")
    follow.press("Space")
    until(page, "!window.location.search.includes('until=')", "it goes on")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_pages_are_accessible_in_both_themes(
    browser: Browser, endpoints: Endpoints, axe: str, scheme: Scheme
) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/analytics", scheme=scheme) as (page, _):
        until_drawn(page)
        until_coloured(page, scheme)
        shoot(page, f"analytics-{scheme}")
        assert serious_findings(page, axe) == []
    with opened(browser, f"{endpoints.visualizer_url}/users", scheme=scheme) as (page, complaints):
        until(page, f"{_USER_ROWS} > 0", "users with alerts are listed")
        shoot(page, f"users-{scheme}")
        assert serious_findings(page, axe) == []
        page.locator("#users-content tbody a").first.click()
        until(page, f"Boolean({_LEARNING} && {_LEARNING}.data)", "how the profile learned is drawn")
        until_coloured(page, scheme)
        shoot(page, f"user-{scheme}")
        assert serious_findings(page, axe) == []
        assert complaints.said == []


def test_a_card_is_found_by_its_token(browser: Browser, endpoints: Endpoints) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/users") as (page, complaints):
        until(page, f"{_USER_ROWS} > 0", "users with alerts are listed")
        page.locator("#users-content tbody a").first.click()
        page.wait_for_selector("#users-learning")
        link = page.locator("#users-content a[href*='card=']").first
        card = link.inner_text()
        page.goto(f"{endpoints.visualizer_url}/users")
        page.fill("#users-text", card)
        page.press("#users-text", "Enter")
        until(page, f"window.location.search.includes('card={card}')", "the card has a link")
        page.wait_for_selector("#users-learning")
        assert f"How the profile of {card} learned" in page.inner_text("#users-content")
        assert complaints.said == []


@pytest.mark.parametrize(
    ("text", "said"),
    [("nobody-at-all", "Nothing is known"), ("4111 1111 1111 1111", "a card number")],
)
def test_who_is_not_known_is_said(
    browser: Browser, endpoints: Endpoints, text: str, said: str
) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/users") as (page, _):
        page.fill("#users-text", text)
        page.click("#users-find")
        page.wait_for_selector("#users-trouble:visible")
        assert said in page.inner_text("#users-trouble")
        assert "4111" not in page.url
        assert "4111" not in page.inner_text("#users-trouble")


def test_a_review_leads_to_the_user_and_back(browser: Browser, endpoints: Endpoints) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/review") as (page, complaints):
        page.locator("#review-grid .ag-row[row-index='0'] [col-id=amount]").click()
        page.wait_for_selector("#review-history")
        page.locator("#review-detail a[href^='/users?user=']").click()
        page.wait_for_selector("#users-learning")
        page.locator("#users-content a[href*='alert=']").first.click()
        page.wait_for_selector("#review-history")
        assert complaints.said == []
