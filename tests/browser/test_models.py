"""What an analyst sees of models, in a real browser."""

from dataclasses import dataclass
from typing import Any, Final

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page
from tests.browser.archived import archive_of, until_archived
from tests.browser.pages import (
    Scheme,
    opened,
    serious_findings,
    shoot,
    until,
    until_coloured,
)
from tests.integration.gateway.alerts import new_alert, send_alerts
from tests.integration.visualizer.configs import new_name, now_ms, publish, until_known
from tests.integration.visualizer.models import a_finding, tell, window
from tests.unit.visualizer.model_samples import HASH, OTHER, a_feature

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigRecord,
    DetectorConfigSpec,
    Model,
    Selector,
)
from cardwatch_contracts.model_stats import RISK_BINS
from cardwatch_local.endpoints import Endpoints

pytestmark = pytest.mark.timeout(900)

_WIDTH: Final = 390
"""Of a phone's window. Pixels."""
_TRAINED: Final = tuple(0.7 * 0.3**number for number in range(RISK_BINS))
_FEATURES: Final = {
    "amount": a_feature(66, 42),
    "gap_h": a_feature(30, 22, trained_mean=31, trained_deviation=24),
    "merchant_frauds": a_feature(0, 0, trained_mean=0.4, trained_deviation=0.9),
}


@dataclass(frozen=True)
class Judging:
    """A config with models, and an alert of theirs."""

    config: str
    alert: Alert


def risks(flatter: float) -> tuple[int, ...]:
    """Return counts of some 3,000 transactions; the more `flatter`, the more high risks."""
    return tuple(round(3_000 * 0.6 * (0.3 + flatter) ** number) for number in range(RISK_BINS))


def said_by(config: str, subtask: int, age_s: int, **of: Any) -> Any:
    counts = risks(of.pop("flatter"))
    return window(
        config, age_s=age_s, subtask=subtask, scored=sum(counts), findings=3, risks=counts,
        trained_risks=_TRAINED, features=_FEATURES, **of,
    )  # fmt: skip


@pytest.fixture(scope="module")
def judging(endpoints: Endpoints) -> Judging:
    """A model that is as in training, a challenger that is not, and what both object to.

    The job refuses both: nobody has published them.
    """
    name, kafka = new_name(), endpoints.bootstrap_servers
    model = Model(name="july", hash=HASH, challenger=Challenger(name="june", hash=OTHER))
    spec = DetectorConfigSpec(selector=Selector(bank_ids=("nobody",)), model=model)
    publish(kafka, ConfigRecord(name=name, generation=1, created_at=now_ms(), spec=spec))
    until_known(endpoints.valkey_url, name, 1)
    for age_s in (30, 20, 10):
        for subtask in (0, 1):
            tell(kafka, said_by(name, subtask, age_s, flatter=0.0))
            challenger = {"role": "challenger", "model": "june", "hash": OTHER}
            tell(kafka, said_by(name, subtask, age_s, flatter=0.4, **challenger))
    of_model = replace(
        a_finding("model", HASH),
        reason="risk 0.930: at night, at an hour that has 1% of the user's payments; "
        "412.00 EUR, 18.1 times the user's usual 22.78 EUR; a merchant at which the user has not "
        "paid lately",
    )
    of_challenger = a_finding("challenger", OTHER, "shadow")
    alerts = [
        replace(
            new_alert(event_time=now_ms()), config=name, generation=1, findings=found, risk=0.93
        )
        for found in (*[(of_model, of_challenger)] * 3, (of_model,), (of_challenger,))
    ]
    send_alerts(kafka, *alerts)
    for alert in alerts:
        until_archived(endpoints, alert.alert_id)
    with archive_of(endpoints) as archive:
        for alert, label in zip(alerts, ("fraudulent", "fraudulent", "genuine"), strict=False):
            txn = alert.transaction
            archive.execute(
                "INSERT INTO feedback (feedback_id, alert_id, transaction_id, user_id, card_id, "
                "bank_id, merchant_id, label, given_by, given_at, reason) VALUES "
                "(gen_random_uuid()::text, %s, %s, %s, %s, %s, %s, %s, 'ana', now(), '')",
                (
                    *(alert.alert_id, txn.transaction_id, txn.user_id, txn.card_id),
                    *(txn.bank_id, txn.merchant_id, label),
                ),
            )
    return Judging(name, alerts[0])


def text_of(page: Page, selector: str) -> str:
    return page.inner_text(selector)


def until_filled(page: Page) -> None:
    for role in ("model", "challenger"):
        until(
            page,
            f"document.querySelector('#models-{role}-facts').textContent.includes('2 of 2')",
            f"the {role}'s facts are told",
        )
        plot = f"document.querySelector('#models-{role}-risks .js-plotly-plot')"
        until(page, f"{plot}.data.length === 2", f"the {role}'s risks are drawn")
    until(page, "document.querySelector('#models-versions table')", "versions are told")
    until(page, "document.querySelector('#models-agreement table')", "both are compared")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_models_are_told_of_and_accessible(
    browser: Browser, endpoints: Endpoints, judging: Judging, axe: str, scheme: Scheme
) -> None:
    url = f"{endpoints.visualizer_url}/models?config={judging.config}"
    with opened(browser, url, scheme=scheme) as (page, complaints):
        until_filled(page)
        until_coloured(page, scheme)
        shoot(page, f"models-{scheme}")
        overview = text_of(page, "#models-overview")
        assert "july ab12cd3" in overview
        assert "june ffee112" in overview
        assert "stable (0.0" in text_of(page, "#models-model-facts")
        assert "drifted (" in text_of(page, "#models-challenger-facts")
        assert "on trial" in text_of(page, "#models-challenger-facts")
        moves = text_of(page, "#models-model-moves")
        assert "amount: 66 on average, 40 in training: 1.3 deviations higher" in moves
        assert "gap_h" not in moves, "it has not moved"
        agreement = text_of(page, "#models-agreement")
        assert "to 4 transactions and the challenger to 4; they agree on 3 of 5" in agreement
        assert "both\t3\t2\t1\t67 % of 3" in agreement
        assert "model\tab12cd3\tactive\t4\t2\t1" in text_of(page, "#models-versions")
        assert serious_findings(page, axe) == []
        assert complaints.said == []


def test_what_subtasks_refuse_is_told_on_both_pages(
    browser: Browser, endpoints: Endpoints, judging: Judging
) -> None:
    url = endpoints.visualizer_url
    with opened(browser, f"{url}/models") as (page, complaints):
        trouble = "document.querySelector('#models-trouble').textContent"
        until(page, f"{trouble}.includes('{judging.config} asks for are refused')", "it is told")
        assert complaints.said == []
    with opened(browser, f"{url}/health") as (page, complaints):
        acks = "document.querySelector('#health-acks').textContent"
        until(page, f"{acks}.includes('the models are refused')", "it is told beside the acks")
        until(page, "document.querySelector('#health-summary').dataset.state === 'down'", "above")
        shoot(page, "health-refused")
        assert complaints.said == []


def test_nothing_is_cut_off_on_a_phone(
    browser: Browser, endpoints: Endpoints, judging: Judging
) -> None:
    url = f"{endpoints.visualizer_url}/models?config={judging.config}"
    with opened(browser, url, width=_WIDTH) as (page, complaints):
        until_filled(page)
        until(page, f"document.documentElement.scrollWidth <= {_WIDTH}", "nothing is too wide")
        shoot(page, "models-filled-phone")
        assert complaints.said == []


def test_what_is_chosen_stands_in_the_address(
    browser: Browser, endpoints: Endpoints, judging: Judging
) -> None:
    url = f"{endpoints.visualizer_url}/models?config={judging.config}"
    with opened(browser, url) as (page, complaints):
        until_filled(page)
        page.click("#models-period")
        page.get_by_role("option", name="last 7 days").click()
        until(page, f"location.search === '?config={judging.config}&period=7d'", "the address")
        assert complaints.said == []


def test_a_models_finding_is_told_with_its_reasons_and_the_alert_with_its_risk(
    browser: Browser, endpoints: Endpoints, judging: Judging
) -> None:
    url = f"{endpoints.visualizer_url}/review?detector=model&alert={judging.alert.alert_id}"
    with opened(browser, url) as (page, complaints):
        page.wait_for_selector("#review-detail .cw-finding")
        detail = text_of(page, "#review-detail")
        assert "18.1 times the user's usual 22.78 EUR" in detail
        assert "0.930 against 0.600" in detail
        assert "ab12cd3" in detail
        assert "risk\n0.930" in detail
        until(
            page,
            "document.querySelector('#review-grid [col-id=risk].ag-cell').textContent === '0.930'",
            "the table has the risk",
        )
        shoot(page, "review-model")
        assert complaints.said == []
