"""Opens a file of transactions by the end of its name."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cardwatch_generator.csv_file import CsvTable
from cardwatch_generator.parquet_file import ParquetTable
from cardwatch_generator.tabular import Table, UnreadableFileError

SUFFIXES: Final = (".csv", ".csv.gz", ".parquet")


@contextmanager
def open_table(path: Path, *, delimiter: str = ",") -> Iterator[Table]:
    """Open a CSV or Parquet file, known by the end of its name.

    Raises:
        UnreadableFileError: there is no such file, or it is of another kind.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise UnreadableFileError(f"{path}: unknown kind of file; allowed: {', '.join(SUFFIXES)}")
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be opened: {error.strerror}") from None
    with file:
        if path.name.lower().endswith(".parquet"):
            yield ParquetTable(path, file)
        elif path.name.lower().endswith(".gz"):
            yield CsvTable(path, gzip.open(file), delimiter)
        else:
            yield CsvTable(path, file, delimiter)


def file_stem(path: Path) -> str:
    """Return a file's name without what says its kind: `may.csv.gz` is `may`."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name
