"""A user's session with the embedded stack: up, transactions in, alerts out, thresholds, down."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.integration.demo.user import User, wait_until

STRICT = """
apiVersion: cardwatch.dev/v1alpha1
kind: DetectorConfig
metadata: {name: strict}
spec: {selector: {bankIds: [A]}, detectors: {veryHighValue: {maxAmountMinor: 100}}}
"""


@pytest.fixture(scope="module")
def running(user: User) -> Iterator[User]:
    """A user with a running stack that has judged some transactions."""
    up = user.run("up", timeout_s=240)
    assert up.returncode == 0, up.stdout + up.stderr
    sent = user.run(
        *("generate", "--count", "500", "--max", "--cards", "200", "--rate", "5"),
        *("--anomaly-share", "0.4"),
        timeout_s=120,
    )
    assert sent.returncode == 0, sent.stderr
    assert "500 transactions in" in sent.stderr
    yield user
    down = user.run("down", timeout_s=90)
    assert "is stopped" in down.stdout
    assert user.wait_until_alone(10) == []


def alerts(user: User, *options: str) -> list[dict[str, Any]]:
    run = user.run("alerts", "--json", *options)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def kafka_of(user: User) -> str:
    status = json.loads(user.run("status", "--json").stdout)
    return str(status["endpoints"]["bootstrap_servers"])


@pytest.mark.timeout(600)
def test_status_shows_every_server(running: User) -> None:
    shown = json.loads(running.run("status", "--json").stdout)
    assert shown["status"] == "ready"
    services = {service["service"]: service for service in shown["services"]}
    assert set(services) == {
        *("kafka", "valkey", "postgres", "jobmanager", "taskmanager-1"),
        *("archiver", "gateway", "visualizer"),
    }
    assert all(service["state"] == "ready" and service["pid"] for service in services.values())
    assert services["kafka"]["port"] == int(kafka_of(running).rpartition(":")[2])
    assert "taskmanager-1" in running.run("status").stdout


def test_a_second_up_is_refused_with_what_to_do(running: User) -> None:
    again = running.run("up")
    assert again.returncode == 1
    assert "running already" in again.stderr
    assert "cardwatch down" in again.stderr


def test_clean_is_refused_while_the_stack_runs(running: User) -> None:
    refused = running.run("clean", "--yes")
    assert refused.returncode == 1
    assert "is running" in refused.stderr


def test_alerts_come_as_json_lines_and_can_be_filtered(running: User) -> None:
    assert wait_until(lambda: len(alerts(running)) > 20, 60)
    found = alerts(running)
    name = found[0]["findings"][0]["detector"]
    of_one = alerts(running, "--detector", name)
    assert 0 < len(of_one) < len(found)
    assert all(any(f["detector"] == name for f in alert["findings"]) for alert in of_one)
    user_id = found[0]["transaction"]["user_id"]
    assert {a["transaction"]["user_id"] for a in alerts(running, "--user", user_id)} == {user_id}
    assert len(alerts(running, "--limit", "3")) == 3
    assert alerts(running, "--since", "250ms") == []


def test_following_alerts_ends_at_the_limit_and_quietly_in_a_closed_pipe(running: User) -> None:
    shown = running.run("alerts", "--follow", "--since", "1h", "--limit", "5")
    assert len(shown.stdout.splitlines()) == 5
    follow = running.start("alerts", "--follow", "--since", "1h", "--json")
    assert follow.stdout is not None
    assert json.loads(follow.stdout.readline())
    follow.stdout.close()
    more = running.run(*("generate", "--count", "100", "--max"), *("--anomaly-share", "0.4"))
    assert more.returncode == 0, more.stderr
    assert follow.wait(20) == 0


def test_following_alerts_ends_at_an_interrupt(running: User) -> None:
    follow = running.start("alerts", "--follow", "--since", "1h")
    assert follow.stdout is not None
    assert follow.stdout.readline()
    follow.send_signal(signal.SIGINT)
    follow.communicate(timeout=20)
    assert follow.returncode == 130


def test_an_alert_is_explained(running: User) -> None:
    alert = alerts(running, "--limit", "1")[0]
    explained = running.run("explain", alert["transaction"]["transaction_id"])
    assert explained.returncode == 0, explained.stderr
    finding = alert["findings"][0]
    for word in (finding["detector"], finding["reason"], finding["counterfactual"], "built-in"):
        assert word in explained.stdout
    assert "Card, as its history shows it now" in explained.stdout


def test_a_transaction_without_alert_is_said_to_be_judged(running: User, tmp_path: Path) -> None:
    suspicious = {alert["transaction"]["transaction_id"] for alert in alerts(running)}
    file = tmp_path / "same.jsonl"
    again = running.run(
        *("generate", "--count", "500", "--max", "--cards", "200", "--rate", "5"),
        *("--output", str(file)),
    )
    assert again.returncode == 0, again.stderr
    sent = produce_copy(kafka_of(running), file)
    assert sent not in suspicious

    def verdict() -> str:
        return str(json.loads(running.run("explain", sent, "--json").stdout)["verdict"])

    assert wait_until(lambda: verdict() != "not judged yet", 30)
    assert "nothing was found" in running.run("explain", sent).stdout


def test_an_unknown_transaction_and_a_dead_letter_are_told_apart(running: User) -> None:
    unknown = running.run("explain", "no-such-transaction")
    assert unknown.returncode == 1
    assert "no-such-transaction is unknown" in unknown.stderr
    producer = Producer({"bootstrap.servers": kafka_of(running)})
    producer.produce("transactions", key=b"1", value=b'{"transaction_id": "broken-1", "x": 1}')
    assert producer.flush(10) == 0

    def explained() -> str:
        return running.run("explain", "broken-1").stdout

    assert wait_until(lambda: "dead letter" in explained(), 30)
    assert "missing required field" in explained()


def test_cards_show_what_their_history_taught(running: User) -> None:
    listed = running.run("cards", "--limit", "5", "--json").stdout.splitlines()
    profile = json.loads(listed[0])
    assert len(listed) == 5
    shown = running.run("cards", profile["card_id"], "--json")
    assert json.loads(shown.stdout)["user_id"] == profile["user_id"]
    of_user = running.run("cards", "--user", profile["user_id"])
    assert profile["card_id"] in of_user.stdout
    assert running.run("cards", "tok_unknown").returncode == 1


def test_a_config_is_applied_acknowledged_and_shown(running: User) -> None:
    file = running.home / "strict.yaml"
    file.write_text(STRICT)
    assert "would become generation 1" in running.run("apply", "-f", str(file), "--dry-run").stdout
    applied = running.run("apply", "-f", str(file))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert applied.stdout.startswith("detectorconfig/strict applied (generation 1, 1 of 1 subtasks")
    assert "strict unchanged (generation 1)" in running.run("apply", "-f", str(file)).stdout
    file.write_text(STRICT.replace("100", "200"))
    assert "generation 2, 1 of 1" in running.run("apply", "-f", str(file)).stdout
    assert "veryHighValue.maxAmountMinor 1000000 → 200" in running.run("get", "dc").stdout
    shown = json.loads(running.run("get", "dc", "strict", "-o", "json").stdout)
    assert shown[0]["spec"]["selector"] == {"bankIds": ["A"]}


def test_nothing_is_published_if_one_document_is_bad(running: User) -> None:
    file = running.home / "bad.yaml"
    file.write_text(f"{STRICT.replace('strict', 'fine')}---{STRICT.replace('100', '-1')}")
    refused = running.run("apply", "-f", str(file))
    assert refused.returncode == 1
    assert "document 2 (strict)" in refused.stderr
    assert "fine" not in running.run("get").stdout


def test_a_file_is_replayed_with_its_bad_rows_named(running: User) -> None:
    file = running.home / "mine.csv"
    file.write_text("id,when,amount\nr-1,2026-01-01T10:00:00Z,10.00\nr-2,yesterday,5.00\n")
    mapping = running.home / "mine.yaml"
    mapping.write_text(MAPPING)
    replayed = running.run("replay", str(file), "--mapping", str(mapping))
    assert replayed.returncode == 0, replayed.stderr
    assert "1 of 2 rows sent" in replayed.stderr
    assert "line 3: event_time" in replayed.stderr
    assert "r-1" in running.run("explain", "r-1").stdout


def test_logs_show_the_end_of_a_service(running: User) -> None:
    shown = running.run("logs", "kafka", "--lines", "2")
    assert len(shown.stdout.splitlines()) == 2
    unknown = running.run("logs", "mysql")
    assert unknown.returncode == 1
    assert "there is archiver, gateway, jobmanager, kafka" in unknown.stderr


MAPPING = """
fields:
  transaction_id: {column: id}
  event_time: {column: when, read: iso8601}
  amount_minor: {column: amount, unit: major, scale: 2}
  user_id: {constant: replayed-user}
  card_id: {constant: replayed-card}
  bank_id: {constant: A}
  payment_system: {constant: visa}
  currency: {constant: EUR}
  merchant_id: {constant: m}
  merchant_category: {constant: grocery}
  country: {constant: DE}
  city: {constant: Berlin}
  latitude: {constant: 52.5}
  longitude: {constant: 13.4}
  pin_used: {constant: true}
  channel: {constant: chip}
"""


def produce_copy(kafka: str, file: Path) -> str:
    """Send the file's first genuine transaction under an id and a card of its own."""
    txn = next(
        txn
        for txn in map(json.loads, file.read_text().splitlines())
        if "label" not in txn and txn["amount_minor"] < 100_000
    )
    txn |= {"transaction_id": "copy-1", "card_id": "tok_copy", "user_id": "copy-user"}
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce("transactions", key=b"copy-user", value=json.dumps(txn).encode())
    assert producer.flush(10) == 0
    return "copy-1"
