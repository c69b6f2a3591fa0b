"""Rows of the archive for tests, as the archiver would write them."""

import time
from typing import Any, Final

import psycopg
from msgspec.structs import asdict
from psycopg import sql

from cardwatch_contracts.transaction import Transaction

_NOT_STORED: Final = ("traceparent", "reply_to")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def add_transactions(url: str, *transactions: Transaction) -> None:
    """Write transactions, as if Kafka had taken them when they were paid."""
    for txn in transactions:
        row = {name: value for name, value in asdict(txn).items() if name not in _NOT_STORED}
        row["ingested_at"] = row["event_time"] = _moment(txn.event_time)
        _insert(url, "transactions", row)


def add_window(url: str, at_ms: int, dimension: str, name: str, count: int) -> None:
    """Write what the job counted in ten seconds."""
    numbers = dict.fromkeys(("sum_minor", "min_minor", "max_minor", "average_minor"), 1)
    row = {"dimension": dimension, "name": name, "currency": "EUR", "count": count, **numbers}
    row["window_start"], row["window_end"] = _moment(at_ms), _moment(at_ms + 10_000)
    _insert(url, "transaction_stats", row)


def _moment(ms: int) -> sql.Composable:
    return sql.SQL("to_timestamp({} / 1000.0)").format(sql.Literal(ms))


def _insert(url: str, table: str, row: dict[str, Any]) -> None:
    values = [
        each if isinstance(each, sql.Composable) else sql.Literal(each) for each in row.values()
    ]
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(values),
    )
    with psycopg.connect(url) as connection:
        connection.execute(query)
