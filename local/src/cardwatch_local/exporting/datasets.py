"""What can be exported: which columns of which view."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from psycopg.sql import SQL, Composed, Identifier

Kind = Literal["text", "texts", "integer", "number", "boolean", "time"]
"""Of a column. `texts`: several in one cell."""
TimeBasis = Literal["ingestion", "event"]

_WHO: Final[dict[str, Kind]] = {
    "transaction_id": "text",
    "user_id": "text",
    "card_id": "text",
    "bank_id": "text",
}
_WHAT: Final[dict[str, Kind]] = {
    "payment_system": "text",
    "amount_minor": "integer",
    "currency": "text",
    "merchant_id": "text",
    "merchant_category": "text",
    "country": "text",
    "city": "text",
}
_TIMES: Final[dict[str, Kind]] = {"ingested_at": "time", "event_time": "time"}


_FEEDBACK: Final[dict[str, Kind]] = {
    "given_at": "time",
    "feedback_id": "text",
    "alert_id": "text",
    **_WHO,
    "merchant_id": "text",
    "label": "text",
    "given_by": "text",
    "reason": "text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which rows: from one time on, and before another."""

    begins: datetime | None = None
    """From here on; None: from the first."""
    ends: datetime | None = None
    """Up to here, exclusive; None: up to the last."""
    by: TimeBasis = "ingestion"
    """Which time is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A view of the schema `analytics`, as it is exported."""

    view: str
    columns: Mapping[str, Kind]
    """In the order of the file."""
    ingestion_column: str = "ingested_at"
    event_column: str = "event_time"

    def query(self, span: Span) -> Composed:
        """Return the query of all rows of a span.

        No order is asked for: sorting would keep all of it on the server's disk first.
        """
        return SQL("SELECT {columns} {rest}").format(
            columns=SQL(", ").join(self._selected(name) for name in self.columns),
            rest=self._rest(span),
        )

    def count_query(self, span: Span) -> Composed:
        """Return the query of how many rows that will be."""
        return SQL("SELECT count(*) {rest}").format(rest=self._rest(span))

    def _selected(self, name: str) -> Composed:
        kind = "::text" if self.columns[name] == "text" else ""  # an alert's id is a UUID there
        return SQL("{}{}").format(Identifier(name), SQL(kind))

    def _rest(self, span: Span) -> Composed:
        by_ingestion = span.by == "ingestion"
        column = Identifier(self.ingestion_column if by_ingestion else self.event_column)
        bounds = [
            SQL("{} {} {}").format(column, SQL(operator), bound)
            for operator, bound in ((">=", span.begins), ("<", span.ends))
            if bound is not None
        ]
        return SQL("FROM analytics.{view}{where}{bounds}").format(
            view=Identifier(self.view),
            where=SQL(" WHERE " if bounds else ""),
            bounds=SQL(" AND ").join(bounds),
        )


DATASETS: Final[Mapping[str, Dataset]] = {
    "alerts": Dataset(
        view="alerts",
        columns=_TIMES
        | {"alert_id": "text"}
        | _WHO
        | _WHAT
        | {
            "channel": "text",
            "pin_used": "boolean",
            "mode": "text",
            "config": "text",
            "generation": "integer",
            "detectors": "texts",
            "reasons": "texts",
            "trace_id": "text",
        },
    ),
    "transactions": Dataset(
        view="transactions",
        columns=_TIMES
        | _WHO
        | _WHAT
        | {
            "latitude": "number",
            "longitude": "number",
            "pin_used": "boolean",
            "channel": "text",
            "card_limit_minor": "integer",
            "label": "text",
        },
    ),
    "findings": Dataset(
        view="findings",
        columns=_TIMES
        | {"alert_id": "text"}
        | _WHO
        | {
            "amount_minor": "integer",
            "currency": "text",
            "merchant_id": "text",
            "merchant_category": "text",
            "detector": "text",
            "mode": "text",
            "observed": "number",
            "threshold": "number",
            "baseline": "number",
            "unit": "text",
            "reason": "text",
            "counterfactual": "text",
            "config": "text",
            "generation": "integer",
        },
    ),
    "feedback": Dataset(
        view="feedback",
        columns=_FEEDBACK,
        ingestion_column="given_at",
        event_column="given_at",
    ),
}
