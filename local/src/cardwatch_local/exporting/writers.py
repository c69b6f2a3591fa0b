"""Rows into files, some thousand at a time."""

from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import pyarrow as pa
from pyarrow import parquet

from cardwatch_contracts.cells import Cell, csv_line
from cardwatch_local.exporting.datasets import Kind

Format = Literal["parquet", "csv"]

_ARROW: Final[Mapping[Kind, Any]] = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
}


class Writer(Protocol):
    """Takes rows; the file is whole once it is closed."""

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Write rows, their cells in the order of the columns."""

    def close(self) -> None:
        """Write what is still to be written."""


class CsvWriter:
    """Comma-separated values in UTF-8 with a header, harmless in spreadsheets (see `cells`)."""

    def __init__(self, path: Path, columns: Mapping[str, Kind]) -> None:
        """Write to `path`, which is replaced."""
        self._file = TextIOWrapper(path.open("wb"), encoding="utf-8", newline="")
        self._file.write(csv_line(columns))

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Write rows."""
        self._file.writelines(map(csv_line, rows))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetWriter:
    """Apache Parquet; times are in UTC, and each call of `write` makes one row group."""

    def __init__(self, path: Path, columns: Mapping[str, Kind]) -> None:
        """Write to `path`, which is replaced."""
        self._schema = pa.schema([(name, _ARROW[kind]) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Write rows."""
        columns = zip(*rows, strict=True)
        arrays = [
            pa.array(column, type=field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the footer, without which there is no Parquet file."""
        self._writer.close()


WRITERS: Final[Mapping[Format, type[CsvWriter] | type[ParquetWriter]]] = {
    "csv": CsvWriter,
    "parquet": ParquetWriter,
}
