"""Every record is in the archive once, whoever is killed, cut off or started twice."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from tests.integration.archiver.archive_stand import (
    DEADLINE_S,
    ArchiveStand,
    alert_on,
    eventually,
    feedback_on,
    payment,
)

from cardwatch_contracts.codec import encode
from cardwatch_contracts.database_settings import URL
from cardwatch_contracts.topics import TRANSACTIONS

_SEED = 7
_EACH = 2_000


@contextmanager
def load(stand: ArchiveStand) -> Iterator[list[int]]:
    """Send payments, an alert and a feedback on every tenth, while the block lasts.

    Gives a list with the number sent so far.
    """
    stop, sent = Event(), [0]

    def send() -> None:
        while not stop.is_set():
            numbers = range(sent[0], sent[0] + _EACH)
            stand.pay(numbers)
            stand.send("alerts", (encode(alert_on(payment(each))) for each in numbers[::10]))
            stand.send("feedback", (encode(feedback_on(payment(each))) for each in numbers[::10]))
            sent[0] += _EACH
            stop.wait(0.1)

    thread = Thread(target=send, daemon=True)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join(DEADLINE_S)


def expect_each_once(stand: ArchiveStand, sent: int) -> None:
    stand.wait_for("transactions", sent)
    stand.wait_for("alerts", sent // 10)
    stand.wait_for("feedback", sent // 10)
    print(f"{sent:,} sent, {stand.count('transactions'):,} rows")
    assert stand.numbers_of_transactions() == list(range(sent))
    assert stand.count("alerts") == stand.count("feedback") == sent // 10
    positions = stand.ask(
        "SELECT sum(next_offset) FROM archive_positions WHERE topic = 'transactions'"
    )
    assert positions == [(sent,)]


@pytest.mark.timeout(600)
def test_an_archiver_that_is_killed_many_times_writes_each_once(stand: ArchiveStand) -> None:
    chance = random.Random(_SEED)
    with load(stand) as sent:
        for _ in range(10):
            before = stand.count("transactions")
            process = stand.start()
            stand.wait_for("transactions", before + 1)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.0, 0.6))
            process.kill()
            process.wait()
    stand.start()
    expect_each_once(stand, sent[0])


@pytest.mark.timeout(600)
def test_a_database_that_is_killed_many_times_has_each_once(stand: ArchiveStand) -> None:
    chance = random.Random(_SEED)
    process = stand.start()
    with load(stand) as sent:
        for _ in range(8):
            stand.wait_for("transactions", stand.count("transactions") + 1)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.0, 1.0))
            assert stand.server.pid is not None
            os.kill(stand.server.pid, signal.SIGKILL)
            eventually(lambda: not stand.server.is_running, "it is gone")
            stand.server.start()
            stand.server.wait_ready()
    expect_each_once(stand, sent[0])
    assert process.poll() is None


def test_a_database_that_was_away_is_caught_up_with(stand: ArchiveStand) -> None:
    process = stand.start()
    stand.pay(range(1_000))
    stand.wait_for("transactions", 1_000)
    stand.server.stop()
    stand.pay(range(1_000, 31_000))
    eventually(lambda: stand.said.count("trying again") >= 4, "each topic's part has noticed")
    # By then the pauses are as long as they get: a longer outage only has more of them.
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(10.0)
    stand.server.start()
    stand.server.wait_ready()
    stand.wait_for("transactions", 31_000)
    assert stand.numbers_of_transactions() == list(range(31_000))
    assert stand.said.count("trying again") == 4
    assert process.poll() is None


def test_a_database_that_hangs_is_left_and_taken_up_again(stand: ArchiveStand) -> None:
    process = stand.start("--database-timeout-s", "2")
    stand.pay(range(1_000))
    stand.wait_for("transactions", 1_000)
    backends = [
        pid for (pid,) in stand.ask("SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL")
    ]
    hung = [*backends, stand.server.pid]
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    try:
        stand.pay(range(1_000, 3_000))
        eventually(lambda: "PostgreSQL does not answer" in stand.said, "the outage is named")
    finally:
        for pid in hung:
            go_on(pid)
    stand.wait_for("transactions", 3_000)
    assert stand.numbers_of_transactions() == list(range(3_000))
    assert process.poll() is None


def go_on(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return


def test_a_stop_does_not_wait_for_a_database_that_hangs(stand: ArchiveStand) -> None:
    process = stand.start()
    stand.pay(range(10))
    stand.wait_for("transactions", 10)
    (row,) = stand.ask(
        "SELECT array_agg(pid) FROM pg_stat_activity WHERE application_name = 'cardwatch-archiver'"
    )
    try:
        for pid in row[0]:
            os.kill(pid, signal.SIGSTOP)
        stand.pay(range(10, 2_000))
        process.terminate()
        assert process.wait(5) == 0
    finally:
        for pid in row[0]:
            go_on(pid)


@pytest.mark.timeout(600)
def test_two_archivers_at_once_double_nothing(stand: ArchiveStand) -> None:
    first = stand.start()
    second = stand.start()
    with load(stand) as sent:
        eventually(lambda: "is not where it was left" in stand.said, "one finds the other's work")
        stand.wait_for("transactions", 20_000)
        first.kill()
        stand.wait_for("transactions", stand.count("transactions") + 10_000)
    expect_each_once(stand, sent[0])
    assert second.poll() is None


def test_a_topic_that_was_made_anew_is_archived_from_its_beginning(stand: ArchiveStand) -> None:
    process = stand.start()
    stand.pay(range(1_000))
    stand.wait_for("transactions", 1_000)
    stand.remake_topics([TRANSACTIONS])
    stand.pay(range(1_000, 4_000))  # further than the former topic went
    stand.wait_for("transactions", 4_000)
    assert stand.numbers_of_transactions() == list(range(4_000))
    assert process.poll() is None, "the part is begun again"
    assert "the topic `transactions` was removed or made anew" in stand.said


def test_a_valkey_that_is_away_does_not_stop_the_archive(stand: ArchiveStand) -> None:
    stand.start("--valkey-url", "valkey://127.0.0.1:9")
    stand.pay(range(100))
    stand.wait_for("transactions", 100)


def test_a_wrong_password_is_named_and_not_shown(stand: ArchiveStand) -> None:
    wrong = stand.log.with_name("wrong")
    wrong.write_text("not-the-password")
    stand.start(CARDWATCH_DATABASE_PASSWORD_FILE=str(wrong))
    eventually(lambda: "password authentication failed" in stand.said, "it is named")
    assert "not-the-password" not in stand.said


def test_nobody_listens_and_the_url_in_the_environment_is_not_shown(stand: ArchiveStand) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://cardwatch:hidden@127.0.0.1:{taken.getsockname()[1]}/cardwatch"
        command = ["env", f"{URL}={url}", sys.executable, "-m", "cardwatch_archiver"]
        command += ["--bootstrap-servers", stand.bootstrap_servers]
        with stand.log.open("ab") as log:
            stand.processes.append(subprocess.Popen(command, stderr=log))
        eventually(lambda: "Connection refused" in stand.said, "it is named")
    assert "hidden" not in stand.said
