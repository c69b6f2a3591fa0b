"""Card numbers put into everything a client can send are found nowhere afterwards."""

import base64
import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.integration.gateway.alerts import archive_alert, new_alert
from tests.integration.gateway.postgres import running_archive
from tests.integration.gateway.running import RunningGateway, records, running_gateway
from tests.unit.card_numbers import in_groups, with_check_digit
from tests.unit.transactions import encoded_transaction
from valkey import Valkey

from cardwatch_contracts.topics import FEEDBACK, TRANSACTIONS
from cardwatch_local.endpoints import Endpoints

_FIELDS = (
    *("transaction_id", "user_id", "card_id", "bank_id", "payment_system", "currency"),
    *("merchant_id", "merchant_category", "country", "city", "channel", "label"),
    *("traceparent", "reply_to", "amount_minor", "latitude", "pin_used", "event_time"),
)


@pytest.fixture(scope="module")
def archive() -> Iterator[str]:
    with running_archive() as url:
        yield url


def canaries() -> list[str]:
    """Return 1,000 card numbers, always the same."""
    draws = random.Random(20261122)
    return [with_check_digit(f"4{draws.randrange(10**14):014}") for _ in range(1_000)]


def disguises(number: str) -> tuple[str, ...]:
    """Return a card number as it could be written."""
    return (
        number,
        in_groups(number, " "),
        in_groups(number, "-"),
        base64.b64encode(number.encode()).decode(),
        quote(in_groups(number, " ")),
        "".join(f"%{ord(digit):x}" for digit in number),
    )


def transaction(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(encoded_transaction(transaction_id=f"c-{uuid.uuid4().hex}"))
    return {**plain, **changes}


def test_card_numbers_are_found_nowhere(
    stack_without_job: Endpoints, archive: str, tmp_path: Path
) -> None:
    servers, valkey_url = stack_without_job.bootstrap_servers, stack_without_job.valkey_url or ""
    alert = new_alert()
    archive_alert(archive, alert)
    numbers, answers = canaries(), []
    environment = {
        "CARDWATCH_DATABASE_URL": archive,
        "CARDWATCH_LOG_FORMAT": "json",
        "CARDWATCH_TRACE_DIR": str(tmp_path / "traces"),
        "OTEL_TRACES_SAMPLER_ARG": "1",
    }
    arguments = ["--no-auth", "--valkey-url", valkey_url]
    with running_gateway(servers, tmp_path, arguments, environment) as gateway:
        for index, number in enumerate(numbers):
            written = disguises(number)[index % 6]
            answers.append(_put_somewhere(gateway, index, written, alert.alert_id))
        assert gateway.client.post("/v1/transactions", json=transaction()).status_code == 202
    haystacks = {
        "answers": b"\n".join(answers),
        "logs and spans": b"".join(
            path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
        ),
        "Valkey": _all_of(valkey_url),
        **{
            topic: b"\n".join(
                (m.key() or b"") + b" " + (m.value() or b"")  # type: ignore[operator] # bytes
                for m in records(servers, topic, lambda _: True)
            )
            for topic in (TRANSACTIONS.name, FEEDBACK.name)
        },
    }
    assert len(haystacks["logs and spans"]) > 1_000
    for place, haystack in haystacks.items():
        found = [n for n in numbers for each in disguises(n) if each.encode() in haystack]
        assert found == [], place


def _put_somewhere(gateway: RunningGateway, index: int, written: str, alert_id: str) -> bytes:
    """Put a card number into something a client sends; return all that is answered."""
    client, post = gateway.client, "/v1/transactions"
    way = index // 6 % 30
    if way < len(_FIELDS):
        name = _FIELDS[way]
        answer = client.post(post, json=[transaction(), transaction(**{name: written})])
        assert answer.status_code == 422, (name, written, answer.text)
    elif way == 18:
        answer = client.post(post, json=transaction(**{written: 1}))
        assert answer.status_code == 422
    elif way == 19:
        answer = client.post(post, json=transaction(), headers={"Idempotency-Key": written})
        assert answer.status_code == 202
    elif way == 20:
        answer = client.post(post, json=transaction(), headers={"traceparent": written})
        assert answer.status_code == 202
    elif way == 21:
        answer = client.post(post, json=transaction(), headers={"X-Card": written, "Cookie": written})
        assert answer.status_code == 202
    elif way == 22:
        answer = client.post(f"{post}?card={written}", json=transaction())
        assert answer.status_code == 422
    elif way == 23:
        answer = client.get(f"/v1/alerts?user_id={quote(written)}&card={written}")
        assert answer.status_code == 422
    elif way == 24:
        answer = client.get(f"/v1/alerts?cursor={quote(written)}")
        assert answer.status_code == 422
    elif way == 25:
        answer = client.get(f"/v1/transactions/{quote(written)}/explain")
        assert answer.status_code in (404, 422)
    elif way == 26:
        answer = client.get(f"/v1/alerts/stream?since={quote(written)}")
        assert answer.status_code == 422
    elif way == 27:
        said = {"label": "genuine", "given_by": "ana", "reason": f"it is {written} she says"}
        answer = client.post(f"/v1/alerts/{alert_id}/feedback", json=said)
        assert answer.status_code == 202, answer.text
    elif way == 28:
        said = {"label": "genuine", "given_by": written}
        answer = client.post(f"/v1/alerts/{alert_id}/feedback", json=said)
        assert answer.status_code == 422
    else:
        answer = client.post(f"/{quote(written)}", content=written.encode())
        assert answer.status_code == 404
    return str(answer.headers).encode() + answer.content


def _all_of(valkey_url: str) -> bytes:
    with Valkey.from_url(valkey_url) as client:
        keys = [key for key in client.scan_iter() if b"idempotency" in key]
        return b"\n".join(key + b" " + (client.get(key) or b"") for key in keys)
