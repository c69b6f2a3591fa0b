"""Every component with its own user and no more rights than the chart gives it."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer
from tests.integration.gateway.running import KeysFile, running_gateway
from tests.integration.job.feed import Feed, wait_until
from tests.integration.security.conftest import Secured

from cardwatch_archiver.kafka import TopicReader
from cardwatch_archiver.tables import TABLES
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import ConfigRecord, DetectorConfigSpec
from cardwatch_contracts.kafka_clients import client_properties
from cardwatch_contracts.kafka_settings import PASSWORD_FILE
from cardwatch_contracts.smoke import BANK, suspicious_payment
from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    DEAD_LETTERS,
    FEEDBACK,
    REKEYED,
    STATS,
    Topic,
)
from cardwatch_gateway.smoke import check
from cardwatch_local.errors import StackError
from cardwatch_local.flink import FlinkCluster
from cardwatch_local.reading.topic import read_topic
from cardwatch_operator.ack_reader import AckReader
from cardwatch_operator.alert_rate import AlertReader
from cardwatch_operator.config_log import ConfigLog
from cardwatch_operator.resources import now_ms

_PAGES = ("/jobs/{job}", "/jobs/{job}/plan", "/jobs/{job}/config", "/jobs/{job}/exceptions")
"""Of Flink's REST interface, which its own page shows."""


@pytest.fixture(scope="module")
def job(secured: Secured) -> Iterator[FlinkCluster]:
    cluster = _cluster(secured, secured.users.environment("cardwatch-job"))
    try:
        for server in (cluster.jobmanager, *cluster.taskmanagers):
            server.start()
        cluster.jobmanager.wait_ready()
        yield cluster
    finally:
        for server in (*cluster.taskmanagers, cluster.jobmanager):
            server.stop()


def _cluster(secured: Secured, environment: dict[str, str]) -> FlinkCluster:
    command = [
        *("-pym", "cardwatch_job.main", "--bootstrap-servers", secured.servers),
        *("--checkpoint-interval-ms", str(secured.settings.checkpoint_interval_ms)),
    ]
    cluster = FlinkCluster(
        secured.settings, secured.jars("flink"), job=command, environment=environment
    )
    cluster.prepare()
    return cluster


def _run(secured: Secured, user: str, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command, "--bootstrap-servers", secured.servers],
        env={**os.environ, **secured.users.environment(user)},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def _count(secured: Secured, topic: Topic) -> int:
    return sum(1 for _ in read_topic(secured.broker.bootstrap_servers, topic))


def test_a_payment_becomes_an_alert(secured: Secured, job: FlinkCluster) -> None:
    done = _run(secured, "cardwatch-test", "-m", "cardwatch_generator.smoke", "--timeout-s", "60")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("alert ")


def test_simulated_banks_are_judged(secured: Secured, job: FlinkCluster) -> None:
    before = _count(secured, ALERTS)
    stream = ("--cards", "60", "--duration-s", "30", "--pace", "max", "--anomaly-share", "0.3")
    rates = ("--tps", "A=6", "--tps", "B=4", "--seed-cards")
    done = _run(secured, "cardwatch-generator", "-m", "cardwatch_generator", *stream, *rates)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: _count(secured, ALERTS) > before, "alerts of the banks")


def test_what_is_not_as_it_should_be_goes_where_it_belongs(
    secured: Secured, job: FlinkCluster
) -> None:
    feed = Feed(secured.broker.bootstrap_servers)
    letters, rekeyed = _count(secured, DEAD_LETTERS), _count(secured, REKEYED)
    feed.send_under_wrong_keys(3)
    feed.send_values([b"no transaction"])
    wait_until(lambda: _count(secured, DEAD_LETTERS) == letters + 1, "the dead letter")
    wait_until(lambda: _count(secured, REKEYED) == rekeyed + 3, "those under their own keys")
    wait_until(lambda: _count(secured, STATS) > 0, "windows")


def test_a_config_is_published_and_acknowledged(secured: Secured, job: FlinkCluster) -> None:
    kafka = secured.users.kafka("cardwatch-operator")
    log = ConfigLog(kafka)
    acks, alerts = AckReader(kafka, on_news=lambda: None), AlertReader(kafka)
    record = ConfigRecord(
        name="secured", generation=1, created_at=now_ms(), spec=DetectorConfigSpec()
    )
    acks.start()
    alerts.start()
    try:
        log.begin()
        assert "secured" not in log.read().known
        log.publish([record])
        assert log.read().known["secured"].current == record
        wait_until(lambda: acks.acks.complete(record), "the subtask's word")
    finally:
        acks.end()
        alerts.end()
    assert (acks.errors.refusal, alerts.errors.refusal) == (None, None)


def test_commands_use_a_kafka_elsewhere(secured: Secured, job: FlinkCluster) -> None:
    program = str(Path(sys.executable).with_name("cardwatch"))
    done = _run(secured, "cardwatch-operator", program, "alerts", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["alert_id"]
    done = _run(secured, "cardwatch-operator", program, "get", "dc", "--output", "json")
    assert done.returncode == 0, done.stderr
    assert "built-in" not in done.stdout


def test_the_gateway_takes_payments_tells_verdicts_and_pushes_alerts(
    secured: Secured, job: FlinkCluster, tmp_path: Path
) -> None:
    keys = KeysFile(tmp_path / "keys.json")
    headers = keys.add("*") | {"Content-Type": "application/json"}
    environment = secured.users.environment("cardwatch-gateway")
    arguments = ("--keys-file", str(keys.path))
    with running_gateway(secured.servers, tmp_path, arguments, environment) as gateway:
        key = headers["Authorization"].removeprefix("Bearer ")
        alert, _ = check(gateway.url, key, timeout_s=60)
        assert alert.transaction.bank_id == BANK
        answer = gateway.client.post(
            "/v1/transactions?verdict=true&timeout_ms=5000",
            content=encode(suspicious_payment("asked", event_time=now_ms())),
            headers=headers,
        )
        assert answer.json()["verdict"]["decision"] == "alert", answer.text


@pytest.mark.parametrize("user", ["cardwatch-gateway", "cardwatch-visualizer"])
def test_analysts_answers_may_be_sent(secured: Secured, user: str) -> None:
    kafka = secured.users.kafka(user)
    producer = Producer(dict[str, Any](client_properties(kafka)) | {"enable.idempotence": True})
    told: list[KafkaError | None] = []
    producer.produce(
        FEEDBACK.name, b"{}", b"asked", on_delivery=lambda error, _: told.append(error)
    )
    assert producer.flush(20) == 0
    assert told == [None]


@pytest.mark.parametrize("name", [CARD_PROFILES.name, *(table.topic for table in TABLES)])
def test_what_is_kept_is_read_by_the_archiver(
    secured: Secured, job: FlinkCluster, name: str
) -> None:
    kafka = secured.users.kafka("cardwatch-archiver")
    topic = TopicReader(kafka, name, stop=Event())
    try:
        topic.seek({})
        deadline = time.monotonic() + 30
        while not (taken := topic.take(100, 1.0)):
            assert time.monotonic() < deadline
        topic.check_same()
    finally:
        topic.close()
    assert all(message.value() for message in taken)


def test_a_taskmanager_that_was_lost_goes_on(secured: Secured, job: FlinkCluster) -> None:
    job.taskmanagers[0].stop()
    job.taskmanagers[0].start()
    done = _run(secured, "cardwatch-test", "-m", "cardwatch_generator.smoke", "--timeout-s", "60")
    assert done.returncode == 0, done.stderr


def test_no_password_is_shown_by_flink_or_in_a_log(secured: Secured, job: FlinkCluster) -> None:
    (overview,) = _page(job, "/jobs/overview")["jobs"]
    shown = [json.dumps(_page(job, page.format(job=overview["jid"]))) for page in _PAGES]
    shown.append(json.dumps(_page(job, "/jobmanager/config")))
    shown += [path.read_text("utf-8") for path in secured.settings.logs_dir.iterdir()]
    for password in secured.users.passwords.values():
        assert not [text for text in shown if password in text]


def test_a_job_with_a_wrong_password_does_not_start_and_says_why(
    secured: Secured, job: FlinkCluster, tmp_path: Path
) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("not-the-password")
    environment = secured.users.environment("cardwatch-job", **{PASSWORD_FILE: str(wrong)})
    for server in (*job.taskmanagers, job.jobmanager):
        server.stop()
    refused = _cluster(secured, environment)
    try:
        refused.jobmanager.start()
        with pytest.raises(StackError, match=r"(?s)cardwatch_job: Kafka at .* invalid credentials"):
            refused.jobmanager.wait_ready()
    finally:
        refused.jobmanager.stop()
    assert "not-the-password" not in refused.jobmanager.log_tail(2000)


def _page(job: FlinkCluster, path: str) -> dict[str, list[dict[str, str]]]:
    with urllib.request.urlopen(f"{job.url}{path}", timeout=10) as answer:
        page: dict[str, list[dict[str, str]]] = json.load(answer)
    return page
