"""Rows in the archive, as the archiver would write them."""

from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, LiteralString, cast

import psycopg
from msgspec.structs import asdict
from psycopg import sql
from tests.integration.archive.postgres_server import PostgresServer

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.feedback import Feedback
from cardwatch_contracts.transaction import Transaction

_NOT_STORED = ("traceparent", "reply_to")


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def migrations() -> list[tuple[str, str]]:
    """Every migration's name and text, in order."""
    folder = files("cardwatch_archiver").joinpath("migrations")
    return sorted((file.name, file.read_text("utf-8")) for file in folder.iterdir())


class Archived:
    """One database."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._server, self._database = server, database
        self._admin = psycopg.connect(server.url(), autocommit=True)
        self._admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        self.url = server.url(database)
        self.connection = psycopg.connect(self.url, autocommit=True)

    def url_of(self, user: str) -> str:
        return self._server.url(self._database, user)

    def migrate(self, connection: psycopg.Connection[Any] | None = None) -> None:
        for _, text in migrations():
            (connection or self.connection).execute(text.encode())
        for table in ("transactions", "alerts"):
            query = "CREATE TABLE {} PARTITION OF {} DEFAULT"
            self.execute(query, sql.Identifier(f"{table}_all"), sql.Identifier(table))

    def close(self) -> None:
        self.connection.close()
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self._database))
        self._admin.execute(drop)
        self._admin.close()

    def execute(self, query: LiteralString, *names: sql.Composable) -> None:
        self.connection.execute(sql.SQL(query).format(*names))

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode(), parameters or None).fetchall()

    def count(self, table: str) -> int:
        count = self.rows(f"SELECT count(*) FROM {table}")[0][0]
        return cast(int, count)

    def add_transaction(self, txn: Transaction, ingested_ms: int | None = None) -> None:
        row = _columns(txn) | {"card_limit_minor": txn.card_limit_minor, "label": txn.label}
        row["ingested_at"] = moment(txn.event_time if ingested_ms is None else ingested_ms)
        self._insert("transactions", row)

    def add_alert(self, alert: Alert) -> None:
        txn = alert.transaction
        left_out = ("latitude", "longitude", "pin_used", "channel")
        row = {name: value for name, value in _columns(txn).items() if name not in left_out}
        row |= {
            "ingested_at": moment(alert.ingested_at),
            "alert_id": alert.alert_id,
            "mode": alert.mode,
            "config": alert.config,
            "generation": alert.generation,
            "detectors": [finding.detector for finding in alert.findings],
            "trace_id": alert.trace_id,
            "alert": encode(alert).decode(),
        }
        self._insert("alerts", row)

    def add_feedback(self, feedback: Feedback) -> None:
        row = asdict(feedback)
        row["given_at"] = moment(feedback.given_at)
        if feedback.event_time is not None:
            row["event_time"] = moment(feedback.event_time)
        self._insert("feedback", row)

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        self.connection.execute(query, list(row.values()))


def _columns(txn: Transaction) -> dict[str, Any]:
    row = {
        name: value
        for name, value in asdict(txn).items()
        if name not in (*_NOT_STORED, "card_limit_minor", "label")
    }
    row["event_time"] = moment(txn.event_time)
    return row


def an_answer(alert: Alert, number: int, **changes: Any) -> Feedback:
    """Feedback on an alert; later ones have higher numbers."""
    txn = alert.transaction
    given: dict[str, Any] = {
        "feedback_id": f"{alert.alert_id}/{number}",
        "alert_id": alert.alert_id,
        "transaction_id": txn.transaction_id,
        "user_id": txn.user_id,
        "card_id": txn.card_id,
        "bank_id": txn.bank_id,
        "merchant_id": txn.merchant_id,
        "label": "genuine",
        "given_by": "ana",
        "given_at": txn.event_time + 60_000 * number,
    }
    return Feedback(**(given | changes))
