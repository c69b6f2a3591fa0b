"""What an operator does with the pages of detectors and of health, in a real browser."""

import uuid
from functools import partial
from typing import Final

import pytest
import yaml
from confluent_kafka import Producer
from playwright.sync_api import Browser, Page
from tests.browser.pages import (
    Scheme,
    eventually,
    opened,
    serious_findings,
    shoot,
    until,
    until_coloured,
)
from tests.integration.visualizer.configs import new_name, now_ms, publish, until_known

from cardwatch_contracts.detector_config import (
    AmountSpikeConfig,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    Selector,
    parse_detector_config,
)
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_local.endpoints import Endpoints

pytestmark = pytest.mark.timeout(600)

_ROWS: Final = "document.querySelectorAll('#detectors-grid .ag-row').length"
_YAML: Final = "(document.querySelector('#form-yaml') || document.body).textContent"
_CARD: Final = "4111111111111111"
_HOSTILE: Final = "<img src=x onerror='window.hacked=1'>"


@pytest.fixture(scope="module")
def config(endpoints: Endpoints) -> str:
    """A config of two generations, which the job judges by; return its name."""
    name = new_name()
    selector = Selector(bank_ids=("nobody",))
    publish(
        endpoints.bootstrap_servers,
        ConfigRecord(
            name=name,
            generation=1,
            created_at=now_ms(),
            spec=DetectorConfigSpec(selector=selector),
        ),
        ConfigRecord(
            name=name,
            generation=2,
            created_at=now_ms(),
            spec=DetectorConfigSpec(
                selector=selector,
                detectors=Detectors(amount_spike=AmountSpikeConfig(factor=5.0, mode="Shadow")),
            ),
            changed_by="ana",
        ),
    )
    until_known(endpoints.valkey_url, name, 2)
    return name


def is_well(page: Page, part: str) -> bool:
    return page.get_attribute(f"#part-{part}", "data-state") == "well"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_pages_are_accessible_in_both_themes(
    browser: Browser, endpoints: Endpoints, config: str, axe: str, scheme: Scheme
) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/detectors", scheme=scheme) as found:
        page, complaints = found
        until(page, f"{_ROWS} >= 10", "detectors are lines")
        until(page, f"{_YAML}.includes('kind: DetectorConfig')", "there is YAML")
        until_coloured(page, scheme)
        shoot(page, f"detectors-{scheme}")
        assert serious_findings(page, axe) == []
        assert complaints.said == []
    with opened(browser, f"{endpoints.visualizer_url}/health", scheme=scheme) as found:
        page, complaints = found
        eventually(page, partial(is_well, page, "job"), "the job is well")
        until(page, "document.querySelectorAll('#health-acks .cw-chip').length > 0", "acks")
        until_coloured(page, scheme)
        shoot(page, f"health-{scheme}")
        assert serious_findings(page, axe) == []
        assert complaints.said == []


def test_thresholds_are_told_by_config_and_generations_are_compared(
    browser: Browser, endpoints: Endpoints, config: str
) -> None:
    url = f"{endpoints.visualizer_url}/detectors?compare={config}"
    with opened(browser, url) as (page, complaints):
        until(page, f"{_ROWS} >= 10", "detectors are lines")
        spike = page.locator("#detectors-grid .ag-row[row-id=amount_spike]")
        assert "factor 10, min transactions 5" in spike.last.inner_text()
        page.wait_for_selector("#diff-table table")
        table = page.inner_text("#diff-table")
        assert "detectors.amountSpike.factor\t10\t5" in table
        assert "detectors.amountSpike.mode\tActive\tShadow" in table
        assert "by ana" in table
        until(
            page,
            "document.querySelector('#diff-to').value.endsWith(' CET')",
            "generations are told in the viewer's zone",
        )
        assert complaints.said == []


def test_thresholds_become_yaml_that_can_be_applied(
    browser: Browser, endpoints: Endpoints, config: str
) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/detectors?edit={config}") as (page, said):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        until(page, f"{_YAML}.includes('{config}')", "there is YAML")
        page.fill("#form-amount_spike-factor", "7.5")
        page.fill("#form-rapid_transactions-min_gap_s", "3")
        until(page, f"{_YAML}.includes('minGapS: 3')", "both are in the YAML")
        until(page, f"{_YAML}.includes('factor: 7.5')", "both are in the YAML")

        written = page.evaluate(_YAML)
        wanted = parse_detector_config(yaml.safe_load(written))
        assert wanted.metadata.name == config
        assert wanted.spec.detectors.amount_spike == AmountSpikeConfig(factor=7.5, mode="Shadow")
        assert wanted.spec.selector.bank_ids == ("nobody",)
        assert page.inner_text("#form-command") == f"cardwatch apply -f {config}.yaml"

        page.click("#form-copy")
        until(page, "document.querySelector('#form-copied').textContent !== ''", "it is copied")
        assert page.evaluate("navigator.clipboard.readText()") == written

        page.fill("#form-amount_spike-factor", "1")
        until(page, "document.querySelector('#form-error').textContent !== ''", "it is refused")
        assert "$.spec.detectors.amountSpike.factor" in page.inner_text("#form-error")
        assert page.inner_text("#form-yaml") == ""
        assert page.is_disabled("#form-copy")
        assert said.said == []


def test_the_pipeline_is_shown_with_its_rates(
    browser: Browser, endpoints: Endpoints, config: str
) -> None:
    with opened(browser, f"{endpoints.visualizer_url}/health") as (page, complaints):
        for part in ("senders", "job", "alerts", "archiver", "archive", "valkey"):
            eventually(page, partial(is_well, page, part), f"{part} is well")
        assert page.inner_text(f"#figure-{TRANSACTIONS.name}").endswith("/s")
        assert "cardwatch-job" in page.inner_text("#health-readers")
        assert "transactions-dlq" in page.inner_text("#health-topics")
        until(
            page,
            f"document.querySelector('#health-acks').textContent.includes('{config}')",
            "the config is there",
        )
        assert complaints.said == []


def test_a_dead_letter_is_looked_into_without_its_card_number(
    browser: Browser, endpoints: Endpoints
) -> None:
    """Rows 11, 24 and 25 of what must survive."""
    with opened(browser, f"{endpoints.visualizer_url}/health") as (page, complaints):
        page.wait_for_selector("#health-letters .ag-root")
        mark = uuid.uuid4().hex
        producer = Producer({"bootstrap.servers": endpoints.bootstrap_servers})
        value = f'{{"merchant_id": "{_HOSTILE}", "card_id": "{_CARD}", "mark": "{mark}"}}'
        producer.produce(TRANSACTIONS.name, value.encode(), b"u")
        assert producer.flush(30) == 0

        row = page.locator("#health-letters .ag-row[row-index='0'] [col-id=reason]")

        def is_newest() -> bool:
            page.click("#health-look")
            if row.count() == 0:
                return False
            row.first.click()
            page.wait_for_selector("#health-excerpt")
            return mark in page.inner_text("#health-excerpt")

        eventually(page, is_newest, "the dead letter is the first line")
        excerpt = page.inner_text("#health-excerpt")
        assert _HOSTILE in excerpt
        assert _CARD not in page.content()
        assert page.evaluate("window.hacked") is None
        assert page.locator("#health-page img").count() == 0
        shoot(page, "health-letter")
        assert complaints.said == []
