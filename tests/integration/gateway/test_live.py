"""Verdicts while the customer waits, and alerts as they come."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from tests.integration.gateway.alerts import new_alert, send_alerts
from tests.integration.gateway.running import KeysFile, RunningGateway, eventually
from tests.unit.transactions import encoded_transaction
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from cardwatch_contracts.codec import encode
from cardwatch_contracts.topics import TRANSACTIONS, VERDICTS
from cardwatch_contracts.transaction import decode_transaction
from cardwatch_contracts.verdict import Verdict
from cardwatch_local.endpoints import Endpoints

_STREAM = "/v1/alerts/stream"
_POST = "/v1/transactions"


@pytest.fixture
def servers(stack_without_job: Endpoints) -> str:
    return stack_without_job.bootstrap_servers


@contextmanager
def judging(servers: str) -> Iterator[None]:
    """Give a verdict on every transaction that asks for one, as the job does."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": f"judge-{uuid.uuid4()}"})
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 0})
    places = [TopicPartition(TRANSACTIONS.name, n) for n in range(TRANSACTIONS.partitions)]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=20)[1]
    consumer.assign(places)
    ended = threading.Event()

    def judge() -> None:
        while not ended.is_set():
            for message in consumer.consume(100, 0.05):
                if message.error() is not None:
                    continue
                txn = decode_transaction(message.value())
                if txn.reply_to is None:
                    continue
                verdict = Verdict(
                    transaction_id=txn.transaction_id,
                    decision="clear",
                    config="built-in",
                    generation=0,
                )
                producer.produce(VERDICTS.name, encode(verdict), txn.reply_to.encode())
                producer.flush(10)

    thread = threading.Thread(target=judge)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        consumer.close()


def transaction() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(encoded_transaction(transaction_id=f"v-{uuid.uuid4().hex}"))
    return made


def test_a_verdict_comes_while_the_client_waits(gateway: RunningGateway, servers: str) -> None:
    query = {"verdict": "true", "timeout_ms": "5000"}
    with judging(servers):
        one = gateway.client.post(_POST, json=transaction(), params=query)
        batch = gateway.client.post(_POST, json=[transaction(), transaction()], params=query)
    assert one.status_code == 200, one.text
    assert one.json()["verdict"]["decision"] == "clear"
    assert "verdict_missing" not in one.json()
    assert batch.status_code == 200
    assert [each["verdict"]["decision"] for each in batch.json()["results"]] == ["clear", "clear"]


def test_without_a_verdict_in_time_the_transaction_is_accepted_all_the_same(
    gateway: RunningGateway,
) -> None:
    answer = gateway.client.post(_POST, json=transaction(), params={"verdict": "true"})
    assert answer.status_code == 202
    assert answer.json()["verdict"] is None
    assert answer.json()["verdict_missing"] == "timeout"


@pytest.mark.parametrize("query", ["verdict=yes", "timeout_ms=0", "timeout_ms=x", "verdit=true"])
def test_a_wish_that_is_not_allowed_is_refused(gateway: RunningGateway, query: str) -> None:
    assert gateway.client.post(f"{_POST}?{query}", json=transaction()).status_code == 422


class Events:
    """The events of a stream, read one by one."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()

    def next(self, *, kind: str = "alert") -> tuple[str, Any]:
        """Return the id and the body of the next event of a kind."""
        event: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event.get("event") == kind:
                return event.get("id", ""), json.loads(event["data"])
            else:
                event = {}
        raise AssertionError(f"the stream ended before `{kind}`")


@contextmanager
def events(gateway: RunningGateway, last_id: str = "", **query: str) -> Iterator[Events]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with gateway.client.stream("GET", _STREAM, params=query, headers=headers) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Events(response)


def test_alerts_come_and_a_client_that_comes_back_loses_and_doubles_none(
    gateway: RunningGateway, servers: str
) -> None:
    bank = f"bank-{uuid.uuid4().hex}"
    alerts = [new_alert(bank_id=bank, user_id=f"user-{n}") for n in range(30)]
    with events(gateway, bank_id=bank) as stream:
        stream.next(kind="connected")
        send_alerts(servers, *alerts[:10])
        seen = [stream.next() for _ in range(7)]
    # Away: some of the first are unread, others come meanwhile.
    send_alerts(servers, *alerts[10:20])
    with events(gateway, seen[-1][0], bank_id=bank) as stream:
        seen += [stream.next() for _ in range(13)]
        send_alerts(servers, *alerts[20:])
        seen += [stream.next() for _ in range(10)]
        last_id, _ = stream.next(kind="heartbeat")
    ids = [alert["alert_id"] for _, alert in seen]
    assert sorted(ids) == sorted(alert.alert_id for alert in alerts)
    with events(gateway, last_id, bank_id=bank) as stream:
        send_alerts(servers, new_alert(bank_id=bank, transaction_id=f"last-{bank}"))
        assert stream.next()[1]["transaction"]["transaction_id"] == f"last-{bank}"


def test_filters_leave_out_what_is_not_wanted(gateway: RunningGateway, servers: str) -> None:
    bank = f"bank-{uuid.uuid4().hex}"
    wanted = new_alert("dormant_card", "shadow", bank_id=bank, user_id="me", amount_minor=500)
    others = [
        new_alert("dormant_card", "shadow", bank_id="other", user_id="me", amount_minor=500),
        new_alert("amount_spike", "shadow", bank_id=bank, user_id="me", amount_minor=500),
        new_alert("dormant_card", "active", bank_id=bank, user_id="me", amount_minor=500),
        new_alert("dormant_card", "shadow", bank_id=bank, user_id="you", amount_minor=500),
        new_alert("dormant_card", "shadow", bank_id=bank, user_id="me", amount_minor=499),
    ]
    query = {"bank_id": bank, "user_id": "me", "mode": "shadow", "detector": "dormant_card"}
    with events(gateway, **query, min_amount_minor="500") as stream:
        stream.next(kind="connected")
        send_alerts(servers, *others, wanted)
        assert stream.next()[1]["alert_id"] == wanted.alert_id


def test_a_key_of_a_bank_sees_its_bank_alone(
    gateway: RunningGateway, keys: KeysFile, servers: str
) -> None:
    mine = f"bank-{uuid.uuid4().hex}"
    gateway_headers = gateway.client.headers.copy()
    gateway.client.headers.update(keys.add(mine, "read"))
    try:
        eventually(
            lambda: gateway.client.get(f"{_STREAM}?bank_id=other").status_code == 403, "the key"
        )
        with events(gateway) as stream:
            stream.next(kind="connected")
            alert = new_alert(bank_id=mine)
            send_alerts(servers, new_alert(bank_id="other"), alert)
            assert stream.next()[1]["alert_id"] == alert.alert_id
    finally:
        gateway.client.headers = gateway_headers


@pytest.mark.parametrize("query", ["since=x", "mode=loud", "min_amount_minor=1.5", "bank=a"])
def test_a_stream_that_cannot_be_is_refused(gateway: RunningGateway, query: str) -> None:
    assert gateway.client.get(f"{_STREAM}?{query}").status_code == 422


def test_what_kafka_does_not_have_any_more_is_said(gateway: RunningGateway) -> None:
    with events(gateway, "o1." + ".".join(["zzzzzzzz"] * 12)) as stream:
        assert "missing" in stream.next(kind="gap")[1]["message"]


def socket_of(
    gateway: RunningGateway, headers: dict[str, str], query: str = ""
) -> ClientConnection:
    url = gateway.url.replace("http://", "ws://") + _STREAM + query
    return connect(url, additional_headers=headers)


def test_a_web_socket_says_hello_and_sends_alerts(
    gateway: RunningGateway, everybody: dict[str, str], servers: str
) -> None:
    bank = f"bank-{uuid.uuid4().hex}"
    with socket_of(gateway, everybody, f"?bank_id={bank}") as socket:
        assert json.loads(socket.recv(20)) == {
            "type": "connected",
            "message": "Connected to fraud alert system",
        }
        alert, second = new_alert(bank_id=bank), new_alert(bank_id=bank)
        send_alerts(servers, alert)
        came = next_alert(socket)
        assert came["alert"]["alert_id"] == alert.alert_id
    send_alerts(servers, second)
    with socket_of(gateway, everybody, f"?bank_id={bank}&since={came['id']}") as socket:
        assert next_alert(socket)["alert"]["alert_id"] == second.alert_id
        kind = ""
        while kind != "heartbeat":
            kind = json.loads(socket.recv(20))["type"]


def next_alert(socket: ClientConnection) -> Any:
    while True:
        said = json.loads(socket.recv(20))
        if said["type"] == "alert":
            return said


def test_a_web_socket_without_key_is_refused_before_it_opens(gateway: RunningGateway) -> None:
    with pytest.raises(InvalidStatus) as refused:
        socket_of(gateway, {})
    assert refused.value.response.status_code == 401
