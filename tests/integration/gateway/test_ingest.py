import json
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from confluent_kafka import Message
from tests.integration.gateway.running import KeysFile, RunningGateway, eventually, records
from tests.unit.transactions import encoded_transaction

from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_contracts.trace_context import read_traceparent
from cardwatch_local.endpoints import Endpoints

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_PATH = "/v1/transactions"


def fresh(prefix: str = "t") -> str:
    return f"{prefix}-{uuid.uuid4().hex}"


def transaction(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(encoded_transaction(**{"transaction_id": fresh(), **changes}))
    return made


def on_topic(servers: str, *ids: str) -> list[Message]:
    wanted = {f'"transaction_id":"{each}"'.encode() for each in ids}
    return records(
        servers,
        TRANSACTIONS.name,
        lambda message: any(each in (message.value() or b"") for each in wanted),
    )


@pytest.fixture
def servers(stack_without_job: Endpoints) -> str:
    return stack_without_job.bootstrap_servers


def test_a_transaction_is_in_kafka_when_it_is_answered(
    gateway: RunningGateway, servers: str
) -> None:
    sent = transaction(user_id="user-7")

    answer = gateway.client.post(_PATH, json=sent)

    assert answer.status_code == 202, answer.text
    said = answer.json()
    assert said.keys() == {"transaction_id", "trace_id", "accepted_at"}
    assert abs(said["accepted_at"] - time.time() * 1000) < 60_000
    (message,) = on_topic(servers, sent["transaction_id"])
    assert message.key() == b"user-7"
    assert json.loads(message.value() or b"") == sent
    context = read_traceparent(dict(message.headers() or [])["traceparent"].decode())  # type: ignore[union-attr]
    assert context is not None
    assert context.trace_id == said["trace_id"]


def test_a_client_s_trace_goes_on(gateway: RunningGateway, servers: str) -> None:
    batch = [transaction(), transaction()]
    headers = {"traceparent": f"00-{_TRACE}-b7ad6b7169203331-00"}

    said = gateway.client.post(_PATH, json=batch, headers=headers).json()

    assert said["accepted"] == 2
    assert {result["trace_id"] for result in said["results"]} == {_TRACE}
    spans = set()
    for message in on_topic(servers, *(txn["transaction_id"] for txn in batch)):
        context = read_traceparent(dict(message.headers() or [])["traceparent"].decode())  # type: ignore[union-attr]
        assert context is not None
        assert (context.trace_id, context.sampled) == (_TRACE, False)
        spans.add(context.span_id)
    assert len(spans) == 2


def test_the_short_route_does_the_same(gateway: RunningGateway) -> None:
    assert gateway.client.post("/transaction", json=transaction()).status_code == 202


def test_of_a_batch_with_one_bad_transaction_nothing_is_sent(
    gateway: RunningGateway, servers: str
) -> None:
    batch = [transaction(), transaction(currency="eur")]

    answer = gateway.client.post(_PATH, json=batch)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert (error["index"], error["field"]) == (1, "currency")
    assert on_topic(servers, batch[0]["transaction_id"]) == []


def test_a_large_batch_goes_through(gateway: RunningGateway, servers: str) -> None:
    batch = [transaction() for _ in range(1_000)]
    assert gateway.client.post(_PATH, json=batch).json()["accepted"] == 1_000
    assert len(on_topic(servers, *(txn["transaction_id"] for txn in batch[::100]))) == 10
    answer = gateway.client.post(_PATH, json=[*batch, transaction()])
    assert answer.status_code == 422
    assert "1,000 are allowed" in answer.json()["detail"]


def test_the_same_key_sends_once_and_answers_the_same(
    gateway: RunningGateway, servers: str
) -> None:
    sent, headers = transaction(), {"Idempotency-Key": fresh("key")}

    def post(_: int) -> tuple[int, bytes]:
        answer = gateway.client.post(_PATH, json=sent, headers=headers)
        return answer.status_code, answer.content

    with ThreadPoolExecutor(10) as threads:
        answers = set(threads.map(post, range(30)))

    ((status, _),) = answers
    assert status == 202
    assert len(on_topic(servers, sent["transaction_id"])) == 1
    other = gateway.client.post(_PATH, json=transaction(), headers=headers)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:cardwatch:idempotency-key-reused"


def test_who_may_do_what(gateway: RunningGateway, keys: KeysFile) -> None:
    alpha = keys.add("alpha", "ingest")
    reader = keys.add("alpha", "read")
    own, other = transaction(bank_id="alpha"), transaction(bank_id="beta")

    def status(body: object, headers: dict[str, str]) -> int:
        return gateway.client.post(_PATH, json=body, headers=headers).status_code

    eventually(lambda: status(own, alpha) == 202, "new keys are known")
    eventually(lambda: status(own, reader) == 403, "a reader may not send")
    refused = gateway.client.post(_PATH, json=[own, other], headers=alpha)
    assert refused.status_code == 403
    assert refused.json()["errors"][0] == {
        "index": 1,
        "field": "bank_id",
        "detail": "Not the bank of the API key",
    }
    assert "beta" not in refused.text
    for wrong in ({"Authorization": "Bearer x"}, {"Authorization": "Basic x"}, {"X-API-Key": ""}):
        gone = gateway.client.post(_PATH, json=own, headers={"Authorization": "", **wrong})
        assert gone.status_code == 401
        assert gone.headers["www-authenticate"].startswith("Bearer")


def test_a_flood_is_told_when_to_come_back(gateway: RunningGateway, keys: KeysFile) -> None:
    slow = keys.add("*", "ingest", rate_per_s=5)
    batch = [transaction() for _ in range(20)]
    eventually(
        lambda: gateway.client.post(_PATH, json=batch, headers=slow).status_code == 202, "the key"
    )
    answer = gateway.client.post(_PATH, json=transaction(), headers=slow)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 5


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"", {}, 400),
        (b"[" * 10_000, {}, 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, {}, 422),
        (b"null", {}, 422),
        (b"[]", {}, 422),
        (b"[1]", {}, 422),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
        (b"[" + b" " * 2_000_000 + b"]", {}, 413),
    ],
)
def test_what_is_no_request_is_refused(
    gateway: RunningGateway, body: bytes, headers: dict[str, str], status: int
) -> None:
    given = {"Content-Type": "application/json", **headers}
    answer = gateway.client.post(_PATH, content=body, headers=given)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_what_is_not_there_and_not_allowed_are_problems(gateway: RunningGateway) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("PUT", _PATH, 405)):
        answer = gateway.client.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_without_length_is_bounded_too(gateway: RunningGateway) -> None:
    def endless() -> Any:
        for _ in range(10_000):
            yield b" " * 1_024

    headers = {"Content-Type": "application/json"}
    answer = gateway.client.post(_PATH, content=endless(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", b"HTTP/1.1 408"),
        (b"POST /v1/transactions HTTP/1.1\r\nHost:", b"HTTP/1.1 408"),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 40_000, b"HTTP/1.1 431"),
        (b"rubbish\r\n\r\n", b"HTTP/1.1 400"),
    ],
)
def test_a_head_that_does_not_end_is_cut_off(
    gateway: RunningGateway, sent: bytes, answered: bytes
) -> None:
    assert _raw(gateway, sent).startswith(answered)


def test_a_slow_body_is_cut_off(gateway: RunningGateway, everybody: dict[str, str]) -> None:
    head = (
        "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: {everybody['Authorization']}\r\nContent-Length: 1000\r\n\r\n[ "
    )
    answered = _raw(gateway, head.encode())
    assert answered.startswith(b"HTTP/1.1 408")
    assert b"slow-body" in answered


def _raw(gateway: RunningGateway, sent: bytes) -> bytes:
    """Send some bytes, and return all that is answered until the connection is closed."""
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname or "", address.port or 0), 30) as connection:
        connection.sendall(sent)
        answered = b""
        while chunk := connection.recv(65_536):
            answered += chunk
        return answered
