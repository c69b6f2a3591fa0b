"""Questions to a real archive, analysts' answers, and the whole interface fuzzed."""

import json
import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import openapi_generator_cli
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.integration.gateway.alerts import archive_alert, archive_transaction, new_alert
from tests.integration.gateway.postgres import running_archive
from tests.integration.gateway.running import (
    KeysFile,
    RunningGateway,
    eventually,
    records,
    running_gateway,
)

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.feedback import decode_feedback
from cardwatch_contracts.topics import FEEDBACK
from cardwatch_local.endpoints import Endpoints

_CARD = "4111 1111 1111 1111"


@pytest.fixture(scope="module")
def archive() -> Iterator[str]:
    with running_archive() as url:
        yield url


@pytest.fixture(scope="module")
def gateway(
    archive: str,
    stack_without_job: Endpoints,
    keys: KeysFile,
    everybody: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningGateway]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    with running_gateway(
        stack_without_job.bootstrap_servers,
        folder,
        ["--keys-file", str(keys.path)],
        {"CARDWATCH_DATABASE_URL": archive},
    ) as running:
        running.client.headers.update(everybody)
        yield running


@pytest.fixture
def alert(archive: str) -> Alert:
    made = new_alert(bank_id=f"bank-{uuid.uuid4().hex}")
    archive_alert(archive, made)
    return made


def test_alerts_are_listed_page_by_page(gateway: RunningGateway, archive: str) -> None:
    bank = f"bank-{uuid.uuid4().hex}"
    made = [new_alert(bank_id=bank, event_time=1_760_000_000_000 + n // 3) for n in range(25)]
    for each in made:
        archive_alert(archive, each)
    found: list[Any] = []
    query = {"bank_id": bank, "limit": "10"}
    while True:
        answer = gateway.client.get("/v1/alerts", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["alerts"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert [each["alert_id"] for each in found[:1]] == [made[-1].alert_id]
    assert {each["alert_id"] for each in found} == {each.alert_id for each in made}
    assert len(found) == 25
    times = [each["transaction"]["event_time"] for each in found]
    assert times == sorted(times, reverse=True)


def test_filters_and_times_narrow_the_list(gateway: RunningGateway, archive: str) -> None:
    bank = f"bank-{uuid.uuid4().hex}"
    wanted = new_alert("dormant_card", bank_id=bank, user_id="me", amount_minor=500)
    for each in (wanted, new_alert(bank_id=bank), new_alert("dormant_card", bank_id=bank)):
        archive_alert(archive, each)
    query = {"bank_id": bank, "user_id": "me", "detector": "dormant_card", "mode": "active"}
    query |= {"min_amount_minor": "500", "since_ms": "1", "until_ms": "4000000000000"}
    found = gateway.client.get("/v1/alerts", params=query).json()["alerts"]
    assert [each["alert_id"] for each in found] == [wanted.alert_id]
    query["since_ms"] = "1760000400001"
    assert gateway.client.get("/v1/alerts", params=query).json() == {"alerts": [], "next": None}


@pytest.mark.parametrize(
    "query", ["cursor=x", "limit=0", "limit=201", "limit=many", "since_ms=-1", "colour=red"]
)
def test_a_question_that_is_not_allowed_is_refused(gateway: RunningGateway, query: str) -> None:
    assert gateway.client.get(f"/v1/alerts?{query}").status_code == 422


def test_an_alert_is_found_by_those_of_its_bank(
    gateway: RunningGateway, keys: KeysFile, alert: Alert
) -> None:
    path = f"/v1/alerts/{alert.alert_id}"
    found = gateway.client.get(path).json()
    assert found["alert"]["alert_id"] == alert.alert_id
    assert found["feedback"] == []
    own = keys.add(alert.transaction.bank_id, "read")
    other = keys.add("other", "read")
    eventually(lambda: gateway.client.get(path, headers=own).status_code == 200, "the key")
    assert gateway.client.get(path, headers=other).status_code == 404
    assert gateway.client.get("/v1/alerts", headers=other).json()["alerts"] == []
    assert gateway.client.get(f"/v1/alerts/{uuid.uuid4()}").status_code == 404
    assert gateway.client.get("/v1/alerts/x").status_code == 404


def test_a_transaction_is_explained(gateway: RunningGateway, archive: str, alert: Alert) -> None:
    def explained(transaction_id: str) -> httpx.Response:
        return gateway.client.get(f"/v1/transactions/{transaction_id}/explain")

    why = explained(alert.transaction.transaction_id).json()
    assert why["judgement"] == "alert"
    assert why["summary"] == (
        "Suspicious: 412.00 EUR, 18 times the card's average (amount_spike). "
        "Judged by config built-in, generation 0."
    )
    assert why["trace_id"] == alert.trace_id
    old, young = f"o-{uuid.uuid4().hex}", f"y-{uuid.uuid4().hex}"
    archive_transaction(archive, old, age_s=3_600, bank_id="a")
    archive_transaction(archive, young, age_s=1, bank_id="a")
    assert explained(old).json()["judgement"] == "clear"
    assert explained(young).json()["judgement"] == "pending"
    assert explained("unheard-of").status_code == 404


def test_an_answer_brings_back_what_a_model_knew(
    gateway: RunningGateway, stack_without_job: Endpoints, archive: str
) -> None:
    alert = replace(new_alert(), risk=0.875, amount_deviations=12.75)
    archive_alert(archive, alert)
    said = {"label": "fraudulent", "given_by": "ana"}

    answer = gateway.client.post(f"/v1/alerts/{alert.alert_id}/feedback", json=said)

    assert answer.status_code == 202, answer.text
    key = alert.transaction.transaction_id.encode()
    sent = records(stack_without_job.bootstrap_servers, FEEDBACK.name, lambda m: m.key() == key)
    feedback = decode_feedback(sent[0].value())
    assert feedback.event_time == alert.transaction.event_time
    assert feedback.amount_deviations == 12.75


def test_an_analyst_s_answer_is_in_kafka_without_card_numbers(
    gateway: RunningGateway, stack_without_job: Endpoints, keys: KeysFile, alert: Alert
) -> None:
    path = f"/v1/alerts/{alert.alert_id}/feedback"
    said = {"label": "fraudulent", "given_by": "ana", "reason": f"stolen: {_CARD}, she says"}
    once = {"Idempotency-Key": "feedback-1"}

    first = gateway.client.post(path, json=said, headers=once)

    assert first.status_code == 202, first.text
    assert (
        gateway.client.post(path, json=said, headers=once).json()["feedback_id"]
        == (first.json()["feedback_id"])
    )
    key = alert.transaction.transaction_id.encode()
    sent = records(stack_without_job.bootstrap_servers, FEEDBACK.name, lambda m: m.key() == key)
    feedback = decode_feedback(sent[0].value())
    assert feedback.merchant_id == alert.transaction.merchant_id
    assert feedback.reason == "stolen: [card number redacted], she says"
    assert feedback.event_time == alert.transaction.event_time
    assert feedback.amount_deviations is None, "no model judged"
    assert gateway.client.post(path, json={**said, "label": "x"}).status_code == 422
    assert gateway.client.post(f"/v1/alerts/{uuid.uuid4()}/feedback", json=said).status_code == 404
    reader = keys.add("*", "read")
    eventually(
        lambda: gateway.client.post(path, json=said, headers=reader).status_code == 403, "the key"
    )


def test_a_client_made_from_the_description_can_do_everything(
    gateway: RunningGateway, alert: Alert
) -> None:
    """Drives the interface by nothing but its description: operations, examples, parameters."""
    spec = gateway.client.get("/openapi.json").json()
    given_path = {
        "alert_id": alert.alert_id,
        "transaction_id": alert.transaction.transaction_id,
    }
    called = set()
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] == "stream_alerts":
                continue
            content = operation.get("requestBody", {}).get("content", {})
            examples = content.get("application/json", {}).get("examples", {"none": {}})
            for example in examples.values():
                answer = gateway.client.request(
                    method, path.format(**given_path), json=example.get("value")
                )
                assert answer.status_code < 300, (operation["operationId"], answer.text)
                assert str(answer.status_code) in operation["responses"]
            called.add(operation["operationId"])
    assert called == {
        *("post_transactions", "list_alerts", "get_alert", "give_feedback"),
        "explain_transaction",
    }
    assert "swagger" in gateway.client.get("/docs").text.lower()


def test_a_generated_client_sends_and_asks(
    gateway: RunningGateway,
    everybody: dict[str, str],
    alert: Alert,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client as OpenAPI Generator makes it, used by its classes alone."""
    (tmp_path / "openapi.json").write_bytes(gateway.client.get("/openapi.json").content)
    made = openapi_generator_cli.run(
        [
            *("generate", "--generator-name", "python", "--package-name", "cardwatch_client"),
            *("--input-spec", str(tmp_path / "openapi.json"), "--output", str(tmp_path)),
        ]
    )
    assert made.returncode == 0
    monkeypatch.syspath_prepend(tmp_path)
    package = import_module("cardwatch_client")
    client = package.ApiClient(package.Configuration(host=gateway.url))
    for name, value in everybody.items():
        client.set_default_header(name, value)
    transactions, alerts = package.TransactionsApi(client), package.AlertsApi(client)
    payment = json.loads(encode(replace(alert.transaction, transaction_id=uuid.uuid4().hex)))

    accepted = transactions.post_transactions(
        package.PostTransactionsRequest(package.SubmittedTransaction.from_dict(payment))
    )
    page = alerts.list_alerts(bank_id=alert.transaction.bank_id)
    one = alerts.get_alert(alert.alert_id)
    explained = transactions.explain_transaction(alert.transaction.transaction_id)

    assert accepted.actual_instance.transaction_id == payment["transaction_id"]
    assert [each.alert_id for each in page.alerts] == [alert.alert_id]
    assert [each.detector for each in one.alert.findings] == [
        each.detector for each in alert.findings
    ]
    assert explained.judgement == "alert"


def test_whatever_fits_the_description_is_no_server_s_error(
    gateway: RunningGateway, everybody: dict[str, str]
) -> None:
    spec = json.loads(gateway.client.get("/openapi.json").content)
    schema = schemathesis.openapi.from_dict(spec)
    schema.config.update(base_url=gateway.url)
    operations = [
        operation
        for result in schema.get_all_operations()
        if isinstance(result, Ok) and not (operation := result.ok()).path.endswith("stream")
    ]
    assert len(operations) == 5
    checks = [
        *(not_a_server_error, status_code_conformance),
        *(content_type_conformance, response_schema_conformance),
    ]
    quick = settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    for operation in operations:

        @quick
        @given(case=operation.as_strategy())
        def fuzz(case: Any) -> None:
            case.call_and_validate(headers=everybody, checks=checks)

        fuzz()
