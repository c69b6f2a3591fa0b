"""Text from outside runs nothing in a real browser, on any page. Row 24 of what must survive."""

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import pytest
import yaml
from playwright.sync_api import Browser, Page
from tests.browser.archived import until_archived
from tests.browser.hostile import MARKUP, ODD, assert_harmless
from tests.browser.pages import Complaints, opened, until
from tests.integration.gateway.alerts import new_alert, send_alerts
from tests.integration.visualizer.configs import new_name, now_ms, publish, until_known

from cardwatch_contracts.alert import Alert, Finding
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Selector,
    parse_detector_config,
)
from cardwatch_local.endpoints import Endpoints

pytestmark = pytest.mark.timeout(1_800)

_BANK: Final = "hostile"
_KEPT: Final = 128
_PLOTS: Final = "#content .js-plotly-plot:visible"
_POINTS: Final = """() => [...document.querySelectorAll("#content .js-plotly-plot .point")]
    .map((point) => point.getBoundingClientRect())
    .map((at) => [at.x + at.width / 2, at.y + at.height / 2])
    .filter(([x, y]) => x > 0 && y > 0 && x < innerWidth && y < innerHeight)"""
_MOST_HOVERED: Final = 4


def hostile_alert(text: str) -> Alert:
    """Make an alert whose every text is hostile."""
    name = text[:_KEPT]
    alert = new_alert(
        event_time=int(time.time() * 1000),
        user_id=name,
        card_id=name,
        bank_id=_BANK,
        merchant_id=name,
        merchant_category=name,
        city=name,
    )
    finding = Finding(
        detector="amount_spike",
        observed=2.0,
        threshold=1.0,
        unit=text,
        reason=text,
        counterfactual=text,
    )
    return Alert(
        alert_id=alert.alert_id,
        transaction=alert.transaction,
        findings=(finding,),
        config=name,
        generation=1,
        ingested_at=alert.ingested_at,
        trace_id=text,
    )


@pytest.fixture(scope="module")
def alerts(endpoints: Endpoints) -> dict[str, Alert]:
    """Hostile alerts by their text, archived."""
    made = {text: hostile_alert(text) for text in (*MARKUP, *ODD)}
    send_alerts(endpoints.bootstrap_servers, *made.values())
    for alert in made.values():
        until_archived(endpoints, alert.alert_id)
    return made


@pytest.fixture
def at(browser: Browser, endpoints: Endpoints) -> Iterator[tuple[Page, Complaints]]:
    with opened(browser, f"{endpoints.visualizer_url}/?filter={_BANK}") as found:
        yield found


def hover(page: Page) -> None:
    """Point at what is drawn: names are shown then."""
    for plot in page.locator(_PLOTS).all():
        plot.scroll_into_view_if_needed()
        for place in page.evaluate(_POINTS)[:_MOST_HOVERED]:
            page.mouse.move(*place)
            page.wait_for_timeout(300)  # plotly looks for what is below the pointer first


@pytest.mark.parametrize("view", ["Stream", "By user", "By card", "By anomaly", "Map"])
def test_the_live_page_shows_text_as_text(
    at: tuple[Page, Complaints], endpoints: Endpoints, view: str
) -> None:
    page, complaints = at
    coming = [hostile_alert(text) for text in (*MARKUP, *ODD)]
    page.wait_for_selector("#live-page")
    page.get_by_text(view, exact=True).click()
    send_alerts(endpoints.bootstrap_servers, *coming)
    last = coming[-1].alert_id
    until(page, f"window.cardwatchLive.rows.some(row => row.alert_id === '{last}')", "they came")
    page.wait_for_timeout(1_500)  # it is drawn twice a second
    hover(page)
    if view == "Stream":
        shown = page.inner_text("#live-grid")
        assert any(text in shown for text in MARKUP)
    assert_harmless(page, complaints)


@pytest.mark.parametrize("text", MARKUP, ids=range(len(MARKUP)))
def test_the_review_and_the_users_page_show_text_as_text(
    browser: Browser, endpoints: Endpoints, alerts: dict[str, Alert], text: str
) -> None:
    url = endpoints.visualizer_url
    review = f"{url}/review?bank={_BANK}&alert={alerts[text].alert_id}"
    with opened(browser, review) as (page, complaints):
        page.wait_for_selector("#review-history .js-plotly-plot")
        page.wait_for_selector("#review-grid .ag-row")
        assert text in page.inner_text("#review-detail")
        hover(page)
        assert_harmless(page, complaints)
        for name in ("user", "card"):
            page.goto(f"{url}/users?{urlencode({name: text})}")
            page.wait_for_selector("#users-content table, #users-content p")
            hover(page)
            assert_harmless(page, complaints)


def test_analytics_show_text_as_text(
    browser: Browser, endpoints: Endpoints, alerts: dict[str, Alert]
) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/analytics?bank={_BANK}") as found:
        page, complaints = found
        plot = "document.querySelector('#analytics-by-category .js-plotly-plot')"
        until(page, f"{plot} && {plot}.data && {plot}.data.length > 0", "alerts are drawn")
        for summary in page.locator("#analytics-page summary").all():
            summary.click()
        shown = page.inner_text("#analytics-page")
        assert any(text in shown for text in alerts)
        hover(page)
        assert_harmless(page, complaints)


def test_a_config_is_text_and_so_is_the_yaml_made_of_it(
    browser: Browser, endpoints: Endpoints
) -> None:
    name, hostile = new_name(), tuple(text[:_KEPT] for text in MARKUP)
    first = ConfigRecord(name=name, generation=1, created_at=now_ms(), changed_by=MARKUP[0])
    spec = DetectorConfigSpec(selector=Selector(bank_ids=hostile))
    second = ConfigRecord(
        name=name, generation=2, created_at=now_ms(), spec=spec, changed_by=MARKUP[1]
    )
    publish(endpoints.bootstrap_servers, first, second)
    until_known(endpoints.valkey_url, name, 2)
    chosen = f"{endpoints.visualizer_url}/detectors?compare={name}&edit={name}"
    with opened(browser, chosen) as (page, complaints):
        until(page, f"document.querySelector('#form-yaml').textContent.includes('{name}')", "YAML")
        page.wait_for_selector("#diff-table table")
        assert MARKUP[0] in page.inner_text("#diff-table")
        written = yaml.safe_load(page.inner_text("#form-yaml"))
        assert parse_detector_config(written).spec.selector.bank_ids == hostile
        assert_harmless(page, complaints)


@pytest.mark.parametrize(
    "address",
    [
        "/?view={}&filter={}",
        "/review?search={}&bank={}&detector={}&mode={}&answer={}&period={}&alert={}&user={}",
        "/analytics?window={}&bank={}&country={}&category={}&detector={}&mode={}",
        "/analytics?until={}",
        "/users?user={}",
        "/users?card={}",
        "/detectors?period={}&config={}&compare={}&from={}&to={}&edit={}",
        "/health?letter={}",
        "/{}",
    ],
)
def test_an_address_is_text(browser: Browser, endpoints: Endpoints, address: str) -> None:
    with opened(browser, endpoints.visualizer_url) as (page, complaints):
        for text in (MARKUP[0], MARKUP[3], MARKUP[5], MARKUP[6], ODD[2], ODD[4]):
            page.goto(endpoints.visualizer_url + address.replace("{}", quote(text, safe="")))
            page.wait_for_selector("#content *, h1")  # the latter where no page has such an address
            page.wait_for_timeout(1_000)  # callbacks ask and are answered
            complaints.said = [each for each in complaints.said if "status of 404" not in each]
            assert_harmless(page, complaints)


def test_a_downloaded_file_runs_nothing_in_a_spreadsheet(
    browser: Browser, endpoints: Endpoints, alerts: dict[str, Alert], tmp_path: Path
) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/review?bank={_BANK}") as (page, _):
        page.wait_for_selector("#review-grid .ag-row")
        until(page, "document.querySelector('#review-csv').href.includes('bank')", "the link")
        with page.expect_download() as download:
            page.click("#review-csv")
        file = tmp_path / "alerts.csv"
        download.value.save_as(file)
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")))
    merchants = {row["alert_id"]: row["merchant_id"] for row in rows}
    assert merchants[alerts[ODD[0]].alert_id] == f"'{ODD[0]}"
    cells = [str(cell) for row in rows for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in cells)
