"""Reads payments from Parquet files and from the archive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet

from cardwatch_contracts.transaction import EARLIEST_EVENT_TIME_MS, LATEST_EVENT_TIME_MS
from cardwatch_local.errors import StackError
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.database import open_archive
from cardwatch_local.training.payments import UNKNOWN, Payments

_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "transaction_id": ("transaction_id",),
    "event_time": ("event_time",),
    "user_id": ("user_id", "customer_id"),
    "merchant_id": ("merchant_id", "terminal_id"),
    "amount": ("amount_minor", "amount"),
    "merchant_category": ("merchant_category",),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
    "label": ("is_fraud", "label"),
    "card_id": ("card_id",),
    "currency": ("currency",),
    "pin_used": ("pin_used",),
    "card_limit_minor": ("card_limit_minor",),
}
"""By what names a file may call its columns; the first that is there is taken."""
_NEEDED: Final = ("transaction_id", "event_time", "user_id", "merchant_id", "amount")
_BATCH: Final = 50_000
_ARCHIVE_QUERY: Final = """
    SELECT t.transaction_id, (extract(epoch FROM t.event_time) * 1000)::bigint, t.user_id,
        t.merchant_id, t.merchant_category, t.amount_minor, t.latitude, t.longitude,
        CASE f.label WHEN 'fraudulent' THEN 1 WHEN 'genuine' THEN 0 ELSE -1 END,
        coalesce((extract(epoch FROM f.given_at) * 1000)::bigint, 0),
        t.card_id, t.currency, t.pin_used, coalesce(t.card_limit_minor, 0)
    FROM (
        SELECT DISTINCT ON (transaction_id) * FROM analytics.transactions
        ORDER BY transaction_id, ingested_at
    ) AS t
    LEFT JOIN (
        SELECT DISTINCT ON (transaction_id) transaction_id, label, given_at
        FROM analytics.latest_feedback ORDER BY transaction_id, given_at DESC, feedback_id DESC
    ) AS f USING (transaction_id)
    WHERE (%(begins)s::timestamptz IS NULL OR t.event_time >= %(begins)s)
        AND (%(ends)s::timestamptz IS NULL OR t.event_time < %(ends)s)
    ORDER BY t.event_time, t.transaction_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From one event time to another, exclusive; None: as far as there is something."""

    begins: datetime | None = None
    ends: datetime | None = None


def read_parquet(path: Path, *, label_delay_ms: int) -> Payments:
    """Read a file; a payment's label becomes known `label_delay_ms` after it.

    Raises:
        StackError: a column is missing, or holds what it may not.
        OSError: the file cannot be read.
    """
    try:
        schema = parquet.read_schema(path)
        chosen = _chosen(schema.names, path)
        table = parquet.read_table(path, columns=list(chosen.values()))
    except pa.ArrowInvalid:
        raise StackError(f"{path} is no Parquet file") from None
    if not table.num_rows:
        raise StackError(f"{path} has no rows")
    for role in _NEEDED:
        if table[chosen[role]].null_count:
            raise StackError(f"{path}: column `{chosen[role]}` has empty cells; none is allowed")
    times = _times(table[chosen["event_time"]], f"{path}: column `{chosen['event_time']}`")
    labels = _labels(table, chosen, path)
    return Payments(
        transaction_id=_texts(table, chosen["transaction_id"]),
        event_time=times,
        user_id=_texts(table, chosen["user_id"]),
        merchant_id=_texts(table, chosen["merchant_id"]),
        merchant_category=_texts(table, chosen.get("merchant_category")),
        amount_minor=_amounts(table, chosen["amount"], path),
        latitude=_numbers(table, chosen.get("latitude"), path),
        longitude=_numbers(table, chosen.get("longitude"), path),
        label=labels,
        known_at=times + label_delay_ms,
        **_for_rules(table, chosen, path),
    ).in_order()


def read_archive(url: str, span: Span, steps: StepListener) -> Payments:
    """Read transactions and the latest feedback to each; what is unsure counts as not known.

    Raises:
        StackError: the database does not answer, or holds nothing in this span.
    """
    columns: list[list[Any]] = [[] for _ in range(14)]
    steps.started("read the archive", None)
    with open_archive(url) as connection, connection.transaction():
        with connection.cursor("cardwatch_train") as cursor:
            cursor.execute(_ARCHIVE_QUERY, {"begins": span.begins, "ends": span.ends})
            while rows := cursor.fetchmany(_BATCH):
                for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                    column.extend(values)
                steps.advanced("read the archive", len(columns[0]))
    steps.finished("read the archive")
    if not columns[0]:
        raise StackError("the archive holds no transactions in this span")
    ids, times, users, merchants, categories, amounts, latitudes, longitudes, labels, known = (
        columns[:10]
    )
    cards, currencies, pins, limits = columns[10:]
    return Payments(
        transaction_id=np.array(ids, object),
        event_time=np.array(times, np.int64),
        user_id=np.array(users, object),
        merchant_id=np.array(merchants, object),
        merchant_category=np.array(categories, object),
        amount_minor=np.array(amounts, np.int64),
        latitude=np.array(latitudes, np.float64),
        longitude=np.array(longitudes, np.float64),
        label=np.array(labels, np.int64),
        known_at=np.array(known, np.int64),
        card_id=np.array(cards, object),
        currency=np.array(currencies, object),
        pin_used=np.array(pins, np.bool_),
        card_limit_minor=np.array(limits, np.int64),
    ).in_order()


def _chosen(names: Sequence[str], path: Path) -> dict[str, str]:
    """Return which column plays which role."""
    chosen = {
        role: next(name for name in allowed if name in names)
        for role, allowed in _NAMES.items()
        if any(name in names for name in allowed)
    }
    for role in _NEEDED:
        if role not in chosen:
            raise StackError(f"{path} lacks a column: allowed are {' or '.join(_NAMES[role])}")
    return chosen


def _texts(table: Any, name: str | None) -> NDArray[Any]:
    if name is None:
        return np.full(table.num_rows, "", object)
    texts: NDArray[Any] = np.array(
        pc.fill_null(pc.cast(table[name], pa.string()), "").to_pylist(), object
    )
    return texts


def _for_rules(table: Any, chosen: Mapping[str, str], path: Path) -> dict[str, NDArray[Any]]:
    """Return those columns that rules alone read and that are there."""
    found: dict[str, NDArray[Any]] = {
        name: _texts(table, chosen[name]) for name in ("card_id", "currency") if name in chosen
    }
    for name, kind in (("pin_used", np.bool_), ("card_limit_minor", np.int64)):
        if name in chosen:
            column = pc.fill_null(table[chosen[name]], 0 if kind is np.int64 else False)
            found[name] = _cast(column, kind, f"{path}: column `{chosen[name]}`")
    return found


def _numbers(table: Any, name: str | None, path: Path) -> NDArray[np.float64]:
    """Return a column of numbers, 0 where there is none."""
    if name is None:
        return np.zeros(table.num_rows)
    numbers = _cast(table[name], np.float64, f"{path}: column `{name}`")
    if not np.isfinite(numbers).all():
        raise StackError(f"{path}: column `{name}` has a cell that is no finite number")
    return numbers


def _amounts(table: Any, name: str, path: Path) -> NDArray[np.int64]:
    amounts = _numbers(table, name, path)
    return np.round(amounts if name == "amount_minor" else amounts * 100).astype(np.int64)


def _times(column: Any, where: str) -> NDArray[np.int64]:
    """Return milliseconds since 1970-01-01 UTC; a time without zone is UTC."""
    if pa.types.is_timestamp(column.type):
        times = column.to_numpy().astype("datetime64[ms]").astype(np.int64)
    elif pa.types.is_integer(column.type):
        times = column.to_numpy().astype(np.int64)
    else:
        raise StackError(
            f"{where} holds no times: allowed are timestamps, or milliseconds as integers"
        )
    if times.min() < EARLIEST_EVENT_TIME_MS or times.max() >= LATEST_EVENT_TIME_MS:
        raise StackError(f"{where} has a time that is not between 1970 and 2100")
    ordered: NDArray[np.int64] = times
    return ordered


def _labels(table: Any, chosen: Mapping[str, str], path: Path) -> NDArray[np.int64]:
    """Return what is known; of a column of texts any text means a fraud."""
    name = chosen.get("label")
    if name is None:
        return np.full(table.num_rows, UNKNOWN, np.int64)
    column = table[name]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array([int(bool(text)) for text in column.to_pylist()], np.int64)
    labels = _cast(pc.fill_null(column, UNKNOWN), np.int64, f"{path}: column `{name}`")
    if not np.isin(labels, (UNKNOWN, 0, 1)).all():
        raise StackError(f"{path}: column `{name}` has a cell that is neither 0, 1 nor empty")
    return labels


def _cast(column: Any, kind: Any, where: str) -> NDArray[Any]:
    try:
        numbers: NDArray[Any] = column.to_numpy().astype(kind)
    except (TypeError, ValueError):
        raise StackError(f"{where} holds no numbers") from None
    return numbers
