"""A PostgreSQL of the test's own, topics of the session's Kafka made anew, and an archiver."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace
from tests.unit.transactions import make_transaction

from cardwatch_archiver.tables import TABLES
from cardwatch_contracts.alert import Alert, Finding, alert_id_of
from cardwatch_contracts.codec import encode
from cardwatch_contracts.database_settings import PASSWORD_FILE
from cardwatch_contracts.feedback import Feedback
from cardwatch_contracts.topics import TOPICS, Topic
from cardwatch_contracts.transaction import Transaction
from cardwatch_local.postgres import PostgresServer
from cardwatch_local.topics import create_topics

DEADLINE_S: Final = 60.0
ARCHIVED: Final = [topic for topic in TOPICS if topic.name in {table.topic for table in TABLES}]


def eventually(condition: Callable[[], bool], what: str, *, within_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.05)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def payment(number: int, **changes: Any) -> Transaction:
    return make_transaction(
        after_s=number,
        **{"transaction_id": f"txn-{number}", "user_id": f"user-{number % 97}", **changes},
    )


def alert_on(txn: Transaction, *, ingested_at: int | None = None, reason: str = "below 0") -> Alert:
    finding = Finding(
        detector="negative_amount",
        observed=float(txn.amount_minor),
        threshold=0.0,
        unit="minor",
        reason=reason,
        counterfactual="no finding at 0.00 EUR or above",
    )
    return Alert(
        alert_id=alert_id_of(txn.transaction_id),
        transaction=txn,
        findings=(finding, replace(finding, detector="rapid_transactions", baseline=12.5)),
        config="default",
        generation=3,
        ingested_at=ingested_at or now_ms(),
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


def feedback_on(txn: Transaction, **changes: Any) -> Feedback:
    said = Feedback(
        feedback_id=f"feedback-{txn.transaction_id}",
        alert_id=alert_id_of(txn.transaction_id),
        transaction_id=txn.transaction_id,
        user_id=txn.user_id,
        card_id=txn.card_id,
        bank_id=txn.bank_id,
        merchant_id=txn.merchant_id,
        label="genuine",
        given_by="ana",
        given_at=now_ms(),
    )
    return replace(said, **changes)


class ArchiveStand:
    """What a test of the archive has: the archived topics are empty when it begins."""

    def __init__(self, bootstrap_servers: str, server: PostgresServer, log: Path) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.server = server
        self.log = log
        self.processes: list[subprocess.Popen[bytes]] = []
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def remake_topics(self, topics: Sequence[Topic] = ARCHIVED) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers})
        names = {topic.name for topic in topics}
        for future in admin.delete_topics(list(names)).values():
            future.result(DEADLINE_S)
        eventually(lambda: not names & set(admin.list_topics(timeout=5).topics), "they are gone")
        create_topics(self.bootstrap_servers, topics)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "cardwatch_archiver", *arguments]
        command += ["--bootstrap-servers", self.bootstrap_servers]
        command += ["--database-url", self.server.url]
        password = {PASSWORD_FILE: str(self.server.password_file)}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, stderr=log, env={**os.environ, **password, **environment}
            )
        self.processes.append(process)
        return process

    def send(self, topic: str, values: Iterable[bytes | None], *, at_ms: int | None = None) -> None:
        for number, value in enumerate(values):
            while True:
                try:
                    self._producer.produce(
                        topic, value, str(number % 97).encode(), timestamp=at_ms or now_ms()
                    )
                except BufferError:
                    self._producer.poll(0.1)
                    continue
                break
        assert self._producer.flush(DEADLINE_S) == 0

    def pay(self, numbers: range) -> None:
        self.send("transactions", (encode(payment(number)) for number in numbers))

    def ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask PostgreSQL, over a connection that is opened again where it broke."""
        for _ in range(2):
            try:
                if self._connection is None:
                    password = self.server.database.password()
                    self._connection = psycopg.connect(
                        self.server.url, password=password, autocommit=True, connect_timeout=5
                    )
                return self._connection.execute(query.encode(), values).fetchall()
            except psycopg.OperationalError:
                self._connection = None
        raise AssertionError("PostgreSQL does not answer")

    def count(self, table: str) -> int:
        if self.ask("SELECT to_regclass(%s) IS NULL", (table,)) == [(True,)]:
            return 0
        return int(self.ask(f"SELECT count(*) FROM {table}")[0][0])

    def wait_for(self, table: str, rows: int, *, within_s: float = DEADLINE_S) -> None:
        eventually(
            lambda: self.count(table) >= rows, f"{rows} in {table}; {self.said}", within_s=within_s
        )

    @property
    def said(self) -> str:
        """What archivers have logged."""
        return self.log.read_text()

    def numbers_of_transactions(self) -> list[int]:
        """Return the numbers of the payments there are, sorted, each as often as it is there."""
        rows = self.ask("SELECT transaction_id FROM transactions")
        return sorted(int(name.removeprefix("txn-")) for (name,) in rows)

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()


def unique(name: str) -> str:
    return f"{name}-{uuid4().hex[:12]}"
