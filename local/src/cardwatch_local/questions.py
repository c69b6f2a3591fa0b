"""The questions that `cardwatch ask` knows, and how their answers read. Pure.

Each is a function of the schema `analytics` over a span of event time; the migration
`0002_views.sql` of the archiver says what it counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeAlias

from cardwatch_contracts.money import format_amount
from cardwatch_contracts.wording import printable

Value: TypeAlias = str | int | float | datetime | None
Row: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question to the archive."""

    asks: str
    """In words."""
    function: str
    """Of the schema `analytics`."""
    order: tuple[tuple[str, bool], ...]
    """Columns to sort by, and whether the largest comes first; the last makes it definite."""


QUESTIONS: Final[Mapping[str, Question]] = {
    "banks": Question(
        asks="How many alerts has each bank, on how many users and cards?",
        function="alerts_by_bank",
        order=(("alerts", True), ("bank_id", False)),
    ),
    "hours": Question(
        asks="How many alerts were there in each hour (UTC), the latest first?",
        function="alerts_by_hour",
        order=(("hour", True),),
    ),
    "detectors": Question(
        asks="How many alerts has each detector, and in how many is it alone?",
        function="alerts_by_detector",
        order=(("alerts", True), ("detector", False)),
    ),
    "categories": Question(
        asks="How many alerts has each category of merchants?",
        function="alerts_by_category",
        order=(("alerts", True), ("merchant_category", False)),
    ),
    "merchants": Question(
        asks="At which merchants are most alerts, and on how many cards?",
        function="top_merchants",
        order=(
            ("alerts", True),
            ("cards", True),
            ("merchant_id", False),
            ("merchant_category", False),
        ),
    ),
    "amounts": Question(
        asks="What do alerts amount to in each currency?",
        function="alert_amounts",
        order=(("alerts", True), ("currency", False)),
    ),
    "false-positives": Question(
        asks="Which share of each detector's alerts did analysts call genuine?",
        function="false_positives",
        order=(("false_positive_share", True), ("detector", False), ("mode", False)),
    ),
}


def plain(value: Value | Decimal) -> Value:
    """Return a value as Python's own kinds have it: a sum comes as Decimal, but is whole."""
    return int(value) if isinstance(value, Decimal) else value


def heading(column: str) -> str:
    """Return a column's title, aligned as `output.table` reads it."""
    if column in ("hour", "latest"):
        return f"{column} (UTC)"
    name = column.removesuffix("_minor").removesuffix("_id").replace("_", " ")
    return name if column in _TEXTS else f"{name}:right"


_TEXTS: Final = frozenset(
    {"bank_id", "detector", "merchant_id", "merchant_category", "mode", "currency"}
)


def shown(row: Row) -> Sequence[str]:
    """Write a row for a person; amounts in the row's own currency, shares in per cent."""
    return [_shown(column, value, row) for column, value in row.items()]


def _shown(column: str, value: Value, row: Row) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if column.endswith("_minor") and isinstance(value, int):
        return format_amount(value, str(row["currency"]))
    if column.endswith("_share") and isinstance(value, float):
        return f"{value:.1%}"
    return printable(value) if isinstance(value, str) else f"{value:,}"
