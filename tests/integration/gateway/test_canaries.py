"""Card numbers put into everything a client can send are found nowhere afterwards."""

import base64
import json
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
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
                (m.key() or b"") + b" " + (m.value() or b"")
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
    feedback, quoted = f"/v1/alerts/{alert_id}/feedback", quote(written)
    said = {"label": "genuine", "given_by": "ana", "reason": f"it is {written} she says"}
    others: list[tuple[tuple[int, ...], Callable[[], httpx.Response]]] = [
        ((422,), lambda: client.post(post, json=transaction(**{written: 1}))),
        ((202,), lambda: _with_headers(client, {"Idempotency-Key": written})),
        ((202,), lambda: _with_headers(client, {"traceparent": written})),
        ((202,), lambda: _with_headers(client, {"X-Card": written, "Cookie": written})),
        ((422,), lambda: client.post(f"{post}?card={written}", json=transaction())),
        ((422,), lambda: client.get(f"/v1/alerts?user_id={quoted}&card={written}")),
        ((422,), lambda: client.get(f"/v1/alerts?cursor={quoted}")),
        ((404, 422), lambda: client.get(f"/v1/transactions/{quoted}/explain")),
        ((422,), lambda: client.get(f"/v1/alerts/stream?since={quoted}")),
        ((202,), lambda: client.post(feedback, json=said)),
        ((422,), lambda: client.post(feedback, json={**said, "given_by": written})),
        ((404,), lambda: client.post(f"/{quoted}", content=written.encode())),
    ]
    way = index // 6 % (len(_FIELDS) + len(others))
    if way < len(_FIELDS):
        name = _FIELDS[way]
        answer = client.post(post, json=[transaction(), transaction(**{name: written})])
        allowed: tuple[int, ...] = (422,)
    else:
        name = str(way)
        allowed, ask = others[way - len(_FIELDS)]
        answer = ask()
    assert answer.status_code in allowed, (name, written, answer.text)
    return str(answer.headers).encode() + answer.content


def _with_headers(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    return client.post("/v1/transactions", json=transaction(), headers=headers)


def _all_of(valkey_url: str) -> bytes:
    with Valkey.from_url(valkey_url) as client:
        keys = [key for key in client.scan_iter() if b"idempotency" in key]
        return b"\n".join(key + b" " + (client.get(key) or b"") for key in keys)
