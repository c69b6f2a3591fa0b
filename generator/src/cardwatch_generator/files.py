"""Opens a file of transactions by the end of its name."""

import gzip
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    with ExitStack() as stack:
        stack.enter_context(file)
        if path.name.lower().endswith(".parquet"):
            yield ParquetTable(path, file)
            return
        packed = path.name.lower().endswith(".gz")
        plain = stack.enter_context(gzip.open(file)) if packed else file
        # An undecodable byte must reject its row, not end the replay.
        text = io.TextIOWrapper(plain, "utf-8-sig", errors="surrogateescape", newline="")
        yield CsvTable(path, stack.enter_context(text), delimiter)


def file_stem(path: Path) -> str:
    """Return a file's name without what says its kind: `may.csv.gz` is `may`."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name
