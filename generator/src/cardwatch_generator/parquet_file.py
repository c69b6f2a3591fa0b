"""Parquet files in batches of rows, as Python values that mean the same."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pyarrow import parquet

from cardwatch_generator.cells import Cell
from cardwatch_generator.tabular import BATCH_ROWS, Batch, UnreadableFileError


class ParquetTable:
    """An open Parquet file.

    Raises:
        UnreadableFileError: it is no Parquet file, or cut off.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        try:
            self._file = parquet.ParquetFile(file)
        except (pa.ArrowException, OSError):
            raise UnreadableFileError(f"{path}: not a Parquet file, or cut off") from None
        self.columns: Sequence[str] = self._file.schema_arrow.names

    def batches(self, columns: Collection[str]) -> Iterator[Batch]:
        """Read the named columns, batch by batch.

        Raises:
            UnreadableFileError: the file is damaged; the message says after which row.
        """
        row = 1
        batches = self._file.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError):
                raise UnreadableFileError(
                    f"{self._path}: the file is damaged after row {row - 1:,}"
                ) from None
            if batch is None:
                return
            numbers = range(row, row + batch.num_rows)
            row += batch.num_rows
            cells = {name: _cells_of(batch.column(name)) for name in columns}
            yield Batch(lines=numbers, rows=numbers, columns=cells)


def _cells_of(column: Any) -> list[Cell]:
    """Turn an Arrow array into Python values that mean the same."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _moments(column)
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        # 12.34 must stay 12.34 and not become 12.340000152587890625.
        column = column.cast(pa.string()).cast(pa.float64())
    if pa.types.is_primitive(kind) and not column.null_count:
        column = column.to_numpy(zero_copy_only=False)  # its tolist() is ten times as fast
    cells: list[Cell] = column.tolist()
    return cells


def _moments(column: Any) -> list[Cell]:
    """Turn timestamps into datetimes, aware where the column names a zone."""
    moments: list[Any] = column.to_numpy(zero_copy_only=False).astype("datetime64[us]").tolist()
    if column.type.tz is None:
        return moments
    return [m.replace(tzinfo=UTC) if isinstance(m, datetime) else m for m in moments]
