"""What a new user does: pays by HTTP, waits for the verdict, follows alerts, and answers them."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.unit.transactions import make_transaction
from typer.testing import CliRunner
from websockets.sync.client import connect

from cardwatch_contracts.codec import encode
from cardwatch_contracts.feedback import decode_feedback
from cardwatch_contracts.topics import FEEDBACK
from cardwatch_gateway.smoke import check
from cardwatch_local.cli import app
from cardwatch_local.demo.drain import Drain
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import read_topic, value_of
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack import Stack

_DEADLINE_S = 60.0
_START_TO_END_S = 600


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path) -> StackSettings:
    home = tmp_path_factory.mktemp("whole")
    (home / "jars").symlink_to(fetched_jars)
    return StackSettings(home=home, name="whole")


@pytest.fixture(scope="module")
def endpoints(settings: StackSettings) -> Iterator[Endpoints]:
    with Stack(settings) as stack:
        state = stack.status()
        assert state is not None and state.endpoints is not None
        yield state.endpoints


@pytest.fixture
def gateway(endpoints: Endpoints) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=endpoints.gateway_url, timeout=_DEADLINE_S) as client:
        yield client


def pay(
    gateway: httpx.Client, number: int, amount_minor: int, *, user_id: str = "alice"
) -> dict[str, Any]:
    """Pay some minutes ago, a minute after the payment before, and wait for the verdict."""
    first_ms = time.time_ns() // 1_000_000 - 3_600_000
    txn = make_transaction(
        transaction_id=f"paid-{number}" if user_id == "alice" else f"{user_id}-{number}",
        user_id=user_id,
        card_id=f"card-of-{user_id}",
        event_time=first_ms,
        after_s=60 * number,
        amount_minor=amount_minor,
    )
    answer = gateway.post(
        "/v1/transactions?verdict=true&timeout_ms=5000",
        content=encode(txn),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def eventually(get: Callable[[], httpx.Response]) -> Any:
    deadline = time.monotonic() + _DEADLINE_S
    while (answer := get()).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return answer.json()


@pytest.mark.timeout(_START_TO_END_S)
def test_an_unusual_payment_is_judged_shown_archived_and_answered(
    gateway: httpx.Client, endpoints: Endpoints
) -> None:
    for number in range(6):
        assert pay(gateway, number, 5_000)["verdict"]["decision"] == "clear"
    address = f"ws{endpoints.gateway_url.removeprefix('http')}/v1/alerts/stream?user_id=alice"
    with connect(address) as stream:
        assert json.loads(stream.recv(_DEADLINE_S))["message"] == "Connected to fraud alert system"
        told = pay(gateway, 6, 500_000)
        shown = json.loads(stream.recv(_DEADLINE_S))["alert"]

    verdict = told["verdict"]
    assert verdict["decision"] == "alert"
    (finding,) = verdict["findings"]
    assert finding["detector"] == "amount_spike"
    assert finding["reason"] == "5,000.00 EUR is 100.0 times the card's average of 50.00 EUR"
    assert shown["alert_id"] == verdict["alert_id"]
    assert shown["trace_id"] == verdict["trace_id"] == told["trace_id"]

    archived = eventually(lambda: gateway.get(f"/v1/alerts/{verdict['alert_id']}"))
    assert finding["reason"] in json.dumps(archived)
    explained = eventually(lambda: gateway.get("/v1/transactions/paid-6/explain"))
    assert finding["reason"] in explained["summary"]

    given = gateway.post(
        f"/v1/alerts/{verdict['alert_id']}/feedback",
        json={"label": "genuine", "given_by": "ann", "reason": "she bought a car"},
    )
    assert given.status_code == 202, given.text
    messages = read_topic(endpoints.bootstrap_servers, FEEDBACK)
    (feedback,) = [decode_feedback(value_of(message)) for message in messages]
    assert (feedback.label, feedback.user_id, feedback.transaction_id) == (
        "genuine",
        "alice",
        "paid-6",
    )


@pytest.mark.timeout(_START_TO_END_S)
def test_who_was_erased_is_a_new_cardholder_to_the_job(
    gateway: httpx.Client, endpoints: Endpoints
) -> None:
    for user_id in ("bob", "carol"):
        for number in range(6):
            assert pay(gateway, number, 5_000, user_id=user_id)["verdict"]["decision"] == "clear"

    addresses = [
        *("--database-url", endpoints.database_url or ""),
        *("--bootstrap-servers", endpoints.bootstrap_servers),
        *("--valkey-url", endpoints.valkey_url or ""),
    ]
    password = {"PGPASSWORD": Path(endpoints.database_password_file or "").read_text()}
    erased = CliRunner().invoke(app, ["erase", "bob", "--yes", *addresses], env=password)
    assert erased.exit_code == 0, erased.output
    servers = endpoints.bootstrap_servers
    Drain(servers, OffsetReader(servers)).wait(timeout_s=_DEADLINE_S)

    assert pay(gateway, 7, 500_000, user_id="bob")["verdict"]["decision"] == "clear"
    assert pay(gateway, 7, 500_000, user_id="carol")["verdict"]["decision"] == "alert"


@pytest.mark.timeout(_START_TO_END_S)
def test_banks_send_through_the_gateway_and_each_transaction_is_archived_once(
    settings: StackSettings, endpoints: Endpoints
) -> None:
    command = [sys.executable, "-m", "cardwatch_generator", "--gateway-url", endpoints.gateway_url]
    command += ["--batch-size", "50", "--pace", "max", "--duration-s", "20", "--cards", "2000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    sent = int(done.stderr.split(" sent, ")[0].split()[-1].replace(",", ""))
    assert f"{sent:,} acknowledged, 0 failed" in done.stderr
    assert sent > 500
    deadline = time.monotonic() + _DEADLINE_S
    while (count := _archived(endpoints)) != (sent, sent):
        assert time.monotonic() < deadline, count
        time.sleep(0.2)


def _archived(endpoints: Endpoints) -> tuple[int, int]:
    """Return how many transactions of simulated banks there are, and how many different ones."""
    assert endpoints.database_url is not None and endpoints.database_password_file is not None
    password = Path(endpoints.database_password_file).read_text()
    with psycopg.connect(endpoints.database_url, password=password) as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT transaction_id) FROM transactions"
            " WHERE bank_id IN ('A', 'B')"
        ).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.mark.timeout(_START_TO_END_S)
def test_what_helm_test_runs_finds_that_it_works(endpoints: Endpoints) -> None:
    alert, seconds = check(endpoints.gateway_url, "no-auth", timeout_s=_DEADLINE_S)
    assert alert.findings[0].detector == "negative_amount"
    assert 0 < seconds < _DEADLINE_S
