"""The archive's tables, and which topic fills each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from cardwatch_archiver.rows import Row, alert_row, feedback_row, stats_row, transaction_row
from cardwatch_contracts.topics import ALERTS, FEEDBACK, STATS, TRANSACTIONS

Sent = Literal["text", "int8", "float8", "bool", "numeric", "uuid", "text[]", "jsonb", "time"]
"""How a column is sent by COPY."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, the topic that fills it, and what a row of it is made of."""

    name: str
    topic: str
    columns: dict[str, Sent]
    """In the order of a row."""
    row: Callable[[bytes | None, int], Row]
    """Makes a row of a record and of when Kafka took it, milliseconds since 1970-01-01 UTC.
    Raises InvalidRecordError."""
    key: tuple[str, ...] = ()
    """What a later row replaces an earlier one by; empty: rows are added, all of them."""
    daily: bool = False
    """Whether there is a partition for each day of the first column, `ingested_at`."""

    @cached_property
    def user_column(self) -> int | None:
        """Where in a row the user is, whose erasure leaves it out; None: it concerns no user."""
        return self._place("user_id")

    @cached_property
    def time_column(self) -> int | None:
        """Where in a row the time is that an erasure is compared with."""
        return self._place("ingested_at" if self.daily else "given_at")

    def _place(self, column: str) -> int | None:
        return list(self.columns).index(column) if column in self.columns else None


def _texts(*names: str) -> dict[str, Sent]:
    return dict.fromkeys(names, "text")


_TRANSACTIONS: Final = Table(
    name="transactions",
    topic=TRANSACTIONS.name,
    columns={
        "ingested_at": "time",
        "event_time": "time",
        **_texts("transaction_id", "user_id", "card_id", "bank_id", "payment_system"),
        "amount_minor": "int8",
        **_texts("currency", "merchant_id", "merchant_category", "country", "city"),
        "latitude": "float8",
        "longitude": "float8",
        "pin_used": "bool",
        "channel": "text",
        "card_limit_minor": "int8",
        "label": "text",
    },
    row=transaction_row,
    daily=True,
)
_ALERTS: Final = Table(
    name="alerts",
    topic=ALERTS.name,
    columns={
        "ingested_at": "time",
        "alert_id": "uuid",
        "event_time": "time",
        **_texts("transaction_id", "user_id", "card_id", "bank_id", "payment_system"),
        "amount_minor": "int8",
        **_texts("currency", "merchant_id", "merchant_category", "country", "city"),
        **_texts("mode", "config"),
        "generation": "int8",
        "detectors": "text[]",
        "trace_id": "text",
        "alert": "jsonb",
    },
    row=alert_row,
    key=("alert_id",),
    daily=True,
)
_STATS: Final = Table(
    name="transaction_stats",
    topic=STATS.name,
    columns={
        "window_start": "time",
        "window_end": "time",
        **_texts("dimension", "name", "currency"),
        "count": "int8",
        "sum_minor": "numeric",
        "min_minor": "int8",
        "max_minor": "int8",
        "average_minor": "float8",
    },
    row=stats_row,
    key=("window_start", "window_end", "dimension", "name", "currency"),
)
_FEEDBACK: Final = Table(
    name="feedback",
    topic=FEEDBACK.name,
    columns={
        "feedback_id": "text",
        "alert_id": "uuid",
        **_texts("transaction_id", "user_id", "card_id", "bank_id", "merchant_id"),
        **_texts("label", "given_by"),
        "given_at": "time",
        "reason": "text",
        "event_time": "time",
        "amount_deviations": "float8",
    },
    row=feedback_row,
    key=("feedback_id",),
)

TABLES: Final = (_TRANSACTIONS, _ALERTS, _STATS, _FEEDBACK)
