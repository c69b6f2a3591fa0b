"""The gateway and the archiver by TLS and password, with no more rights than they need."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from tests.integration.gateway.alerts import new_alert, send_alerts
from tests.integration.gateway.postgres import running_archive
from tests.integration.gateway.running import (
    KeysFile,
    RunningGateway,
    eventually,
    records,
    running_gateway,
)
from tests.integration.security.conftest import Secured
from tests.unit.transactions import make_transaction

from cardwatch_contracts.codec import encode
from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    FEEDBACK,
    STATS,
    TRANSACTIONS,
    VERDICTS,
    Topic,
)

_GATEWAY: Final = {
    **{("topic", topic.name): ["Write"] for topic in (TRANSACTIONS, FEEDBACK)},
    **{("topic", topic.name): ["Read"] for topic in (ALERTS, VERDICTS)},
}
_ARCHIVED: Final = (TRANSACTIONS, ALERTS, STATS, FEEDBACK, CARD_PROFILES)
_ARCHIVER: Final = {
    **{("topic", topic.name): ["Read"] for topic in _ARCHIVED},
    ("group", "cardwatch-archiver"): ["Describe"],
}


@pytest.fixture(scope="module")
def archive() -> Iterator[str]:
    with running_archive() as url:
        yield url


@pytest.fixture(scope="module")
def archiver(
    secured: Secured, archive: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Give what the archiver logs."""
    secured.users.add("archiver-of-a-test", _ARCHIVER)
    environment = secured.users.environment("archiver-of-a-test")
    log = tmp_path_factory.mktemp("archiver") / "log"
    command = [sys.executable, "-m", "cardwatch_archiver", "--bootstrap-servers", secured.servers]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stderr=file,
            env={**os.environ, **environment, "CARDWATCH_DATABASE_URL": archive},
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def gateway(
    secured: Secured, archive: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("gateway")
    keys = KeysFile(folder / "keys.json")
    everybody = keys.add("*")
    secured.users.add("gateway-of-a-test", _GATEWAY)
    environment = secured.users.environment("gateway-of-a-test")
    environment["CARDWATCH_DATABASE_URL"] = archive
    arguments = ["--keys-file", str(keys.path)]
    with running_gateway(secured.servers, folder, arguments, environment) as running:
        running.client.headers.update(everybody)
        yield running


def _rows(archive: str, table: str, transaction_id: str) -> int:
    with psycopg.connect(archive) as connection:
        query = f"SELECT count(*) FROM {table} WHERE transaction_id = %s"
        row = connection.execute(query.encode(), [transaction_id]).fetchone()
    assert row is not None
    return int(row[0])


def _sent(gateway: RunningGateway, query: str = "") -> dict[str, Any]:
    txn = make_transaction(transaction_id=f"t-{uuid.uuid4().hex}")
    answer = gateway.client.post(
        f"/v1/transactions{query}",
        content=encode(txn),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 202, answer.text
    said: dict[str, Any] = answer.json()
    return said


def _on_topic(secured: Secured, topic: Topic, text: str) -> int:
    found = records(
        secured.broker.bootstrap_servers, topic.name, lambda m: text.encode() in (m.value() or b"")
    )
    return len(found)


def test_a_transaction_comes_through_kafka_into_the_archive(
    secured: Secured, gateway: RunningGateway, archiver: Path, archive: str
) -> None:
    said = _sent(gateway)
    assert _on_topic(secured, TRANSACTIONS, said["transaction_id"]) == 1
    eventually(
        lambda: _rows(archive, "transactions", said["transaction_id"]) == 1,
        f"its row; the archiver says {archiver.read_text()}",
    )


def test_verdicts_and_alerts_are_read(secured: Secured, gateway: RunningGateway) -> None:
    # There is no job here: that the time is over says that the topic is read.
    eventually(
        lambda: _sent(gateway, "?verdict=true&timeout_ms=1")["verdict_missing"] == "timeout",
        "verdicts are read",
    )
    alert = new_alert()
    with gateway.client.stream("GET", "/v1/alerts/stream") as stream:
        lines = stream.iter_lines()
        assert "event: connected" in {next(lines) for _ in range(3)}
        send_alerts(secured.broker.bootstrap_servers, alert)
        assert any(alert.alert_id in line for line in lines)


def test_an_alert_is_archived_and_answered(
    secured: Secured, gateway: RunningGateway, archiver: Path, archive: str
) -> None:
    alert = new_alert()
    send_alerts(secured.broker.bootstrap_servers, alert)
    path = f"/v1/alerts/{alert.alert_id}"
    eventually(
        lambda: gateway.client.get(path).status_code == 200,
        f"the alert; the archiver says {archiver.read_text()}",
    )
    said = {"label": "genuine", "given_by": "ana"}
    assert gateway.client.post(f"{path}/feedback", json=said).status_code == 202
    assert _on_topic(secured, FEEDBACK, alert.alert_id) == 1
    eventually(
        lambda: len(gateway.client.get(path).json()["feedback"]) == 1, "the answer in the archive"
    )


def test_no_password_is_logged(secured: Secured, gateway: RunningGateway, archiver: Path) -> None:
    logged = gateway.log.read_text() + archiver.read_text()
    assert not [each for each in secured.users.passwords.values() if each in logged]


def test_a_gateway_without_a_right_is_not_ready_and_says_which(
    secured: Secured, tmp_path: Path
) -> None:
    secured.users.add("reader-of-a-test", {("topic", ALERTS.name): ["Read"]})
    keys = KeysFile(tmp_path / "keys.json")
    environment = secured.users.environment("reader-of-a-test")
    arguments = ["--keys-file", str(keys.path)]
    with running_gateway(secured.servers, tmp_path, arguments, environment, ready=False) as running:
        eventually(
            lambda: "needs the right" in running.client.get("/readyz").text, "why it is not ready"
        )
        assert running.client.get("/readyz").status_code == 503
