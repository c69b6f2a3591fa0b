"""What a gateway does while Kafka, the archive or Valkey is away, and when it is told to stop."""

import collections
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.gateway.running import RunningGateway, eventually, records, running_gateway
from tests.integration.metrics.scraping import scrape, value
from tests.unit.transactions import encoded_transaction

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.jar_lock import read_lock
from cardwatch_local.kafka import KafkaBroker
from cardwatch_local.ports import free_ports
from cardwatch_local.settings import StackSettings
from cardwatch_local.topics import create_topics

_POST = "/v1/transactions"


def transaction() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(encoded_transaction(transaction_id=f"f-{uuid.uuid4().hex}"))
    return made


@pytest.fixture
def broker(tmp_path: Path, fetched_jars: Path) -> Iterator[KafkaBroker]:
    """A broker of the test's own, to be killed."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/jars").symlink_to(fetched_jars)
    settings = StackSettings(home=tmp_path / "home", name="faults", kafka_port=free_ports(1)[0])
    kafka = KafkaBroker(settings, [fetched_jars / jar.path for jar in read_lock(["kafka"])])
    kafka.start()
    try:
        kafka.wait_ready()
        create_topics(kafka.bootstrap_servers)
        yield kafka
    finally:
        kafka.stop()


def test_while_the_broker_is_killed_what_is_accepted_is_there_exactly_once(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    accepted: set[str] = set()
    statuses: collections.Counter[int] = collections.Counter()
    ended = threading.Event()

    def send(gateway: RunningGateway) -> None:
        """Send until the end; what is not accepted is sent again, as a client should."""
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            while not ended.is_set():
                batch = [transaction() for _ in range(3)]
                status = 0
                while status != 202:
                    status = client.post(_POST, json=batch).status_code
                    statuses[status] += 1
                    if status != 202:
                        time.sleep(0.1)
                accepted.update(txn["transaction_id"] for txn in batch)

    arguments = ["--no-auth", "--ack-timeout-s", "2"]
    with running_gateway(broker.bootstrap_servers, tmp_path, arguments) as gateway:
        with ThreadPoolExecutor(4) as threads:
            sending = [threads.submit(send, gateway) for _ in range(4)]
            try:
                for _ in range(2):
                    before = len(accepted)
                    eventually(lambda: len(accepted) > before + 300, "some are accepted")  # noqa: B023
                    _kill(broker)
                    refused = statuses[503]
                    eventually(lambda: statuses[503] > refused + 3, "the gateway says 503")  # noqa: B023
                    eventually(lambda: not gateway.is_ready(), "it is not ready")
                    broker.start()
                    broker.wait_ready()
                    eventually(gateway.is_ready, "it is ready again")
                before = len(accepted)
                eventually(lambda: len(accepted) > before + 300, "more are accepted")
            finally:
                ended.set()
            for each in sending:
                each.result()
    found = collections.Counter(
        json.loads(m.value() or b"")["transaction_id"]
        for m in records(broker.bootstrap_servers, TRANSACTIONS.name, lambda _: True)
    )
    print(f"{len(accepted):,} accepted, {sum(found.values()):,} on the topic; {dict(statuses)}")
    assert set(statuses) <= {202, 503}
    assert accepted - found.keys() == set(), "lost"
    assert {each: n for each, n in found.items() if n > 1} == {}, "doubled"


def _kill(broker: KafkaBroker) -> None:
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    eventually(lambda: not broker.is_running, "the broker is dead")


def test_without_kafka_it_starts_and_says_why_it_is_not_ready(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    servers = f"127.0.0.1:{port}"
    arguments = ["--no-auth", "--ack-timeout-s", "1"]
    with running_gateway(servers, tmp_path, arguments, ready=False) as gateway:
        eventually(lambda: "refused" in gateway.client.get("/readyz").text, "it says why")
        answer = gateway.client.post(_POST, json=transaction())
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert gateway.client.get("/healthz").status_code == 200
        assert gateway.client.get("/v1/alerts/stream").status_code == 503
        archive = gateway.client.get("/v1/alerts")
        assert (archive.status_code, archive.json()["type"]) == (503, "urn:cardwatch:no-archive")


def test_what_is_in_flight_is_answered_when_it_is_told_to_stop(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    (metrics_port,) = free_ports(1)
    arguments = ["--no-auth", "--metrics-port", str(metrics_port)]
    servers = stack_without_job.bootstrap_servers
    with running_gateway(servers, tmp_path, arguments) as gateway:
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(
                gateway.client.post, f"{_POST}?verdict=true&timeout_ms=3000", json=transaction()
            )
            eventually(
                lambda: value(scrape(metrics_port), f"{t.GATEWAY_SEND_SECONDS.name}_count") == 1,
                "it is in Kafka",
            )
            served = {metric.name for metric in scrape(metrics_port)}
            gateway.process.terminate()
            assert waiting.result().status_code == 202
        assert gateway.process.wait(30) == 0
    declared = {m.name.removesuffix("_total") for m in t.METRICS if m.service == "gateway"}
    assert declared <= {name.removesuffix("_total") for name in served}


def test_replicas_know_of_each_other_s_idempotency_keys(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    servers = stack_without_job.bootstrap_servers
    arguments = ["--no-auth", "--valkey-url", stack_without_job.valkey_url or ""]
    sent, headers = transaction(), {"Idempotency-Key": uuid.uuid4().hex}
    with (
        running_gateway(servers, tmp_path, arguments) as one,
        running_gateway(servers, tmp_path, arguments) as other,
        ThreadPoolExecutor(8) as threads,
    ):
        posts = [
            threads.submit(gateway.client.post, _POST, json=sent, headers=headers)
            for gateway in (one, other) * 4
        ]
        assert len({post.result().content for post in posts}) == 1
        refused = other.client.post(_POST, json=transaction(), headers=headers)
        assert refused.status_code == 422
    sent_id = sent["transaction_id"].encode()
    found = records(servers, TRANSACTIONS.name, lambda m: sent_id in (m.value() or b""))
    assert len(found) == 1


def test_without_valkey_a_replica_goes_by_its_own_memory(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    servers = stack_without_job.bootstrap_servers
    valkey_port, metrics_port = free_ports(2)
    arguments = ["--no-auth", "--valkey-url", f"valkey://127.0.0.1:{valkey_port}"]
    arguments += ["--metrics-port", str(metrics_port)]
    sent, headers = transaction(), {"Idempotency-Key": uuid.uuid4().hex}
    with running_gateway(servers, tmp_path, arguments) as gateway:
        answers = [gateway.client.post(_POST, json=sent, headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].content == answers[1].content
        assert value(scrape(metrics_port), t.GATEWAY_DEGRADED.name) >= 1
