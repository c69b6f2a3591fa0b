"""Alerts as files, harmless in spreadsheets. Pure."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cardwatch_contracts.cells import csv_line

FORMATS: Final[Mapping[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
"""Media types by a file's suffix."""
COLUMNS: Final = (
    *("alert_id", "event_time", "transaction_id", "user_id", "card_id", "bank_id"),
    *("payment_system", "amount_minor", "currency", "merchant_id", "merchant_category"),
    *("country", "city", "channel", "pin_used", "mode", "config", "generation", "detectors"),
    *("reasons", "trace_id", "label", "given_by", "risk"),
)

Row = Mapping[str, Any]


def encode_rows(rows: Sequence[Row], suffix: str) -> bytes:
    """Return a file of alerts; event times are UTC.

    Args:
        rows: the archive's.
        suffix: one of `FORMATS`.
    """
    if suffix == "csv":
        lines = [csv_line(COLUMNS), *(csv_line(_cells(row).values()) for row in rows)]
        return "".join(lines).encode()
    return _parquet(rows)


def _cells(row: Row) -> dict[str, Any]:
    at = datetime.fromtimestamp(row["event_time"] / 1000, UTC)
    return {name: row[name] for name in COLUMNS} | {"event_time": at}


def _parquet(rows: Sequence[Row]) -> bytes:
    # Here, because it is large, and most workers never export.
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    kinds = {
        "event_time": pa.timestamp("ms", tz="UTC"),
        "amount_minor": pa.int64(),
        "generation": pa.int64(),
        "pin_used": pa.bool_(),
        "risk": pa.float64(),
        "detectors": pa.list_(pa.string()),
        "reasons": pa.list_(pa.string()),
    }
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    table = pa.Table.from_pylist([_cells(row) for row in rows], schema=schema)
    file = io.BytesIO()
    parquet.write_table(table, file, compression="zstd")
    return file.getvalue()
