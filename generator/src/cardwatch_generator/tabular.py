"""What CSV and Parquet files have in common: batches of columns, never a whole file."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cardwatch_contracts.privacy import redact_card_numbers
from cardwatch_generator.cells import Cell
from cardwatch_generator.rejections import Rejection

BATCH_ROWS: Final = 4_096
_SHOWN_COLUMNS: Final = 50


class UnreadableFileError(ValueError):
    """A file that cannot be replayed; the message says what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows of a file. `lines`, `rows` and every column are equally long."""

    lines: Sequence[int]
    """Where each row begins. CSV: physical line; Parquet: row, from 1."""
    rows: Sequence[int]
    """Number of each row, from 1; blank lines and the header do not count."""
    columns: Mapping[str, Sequence[Cell]]
    rejections: Sequence[Rejection] = ()
    """Rows that could not even be divided into cells."""


class Table(Protocol):
    """An open file."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of all columns, in order; a name may come twice."""

    def batches(self, columns: Collection[str]) -> Iterator[Batch]:
        """Read the named columns, batch by batch.

        Raises:
            UnreadableFileError: the file is damaged; the message says where.
        """


def check_columns(table: Table, wanted: dict[str, str]) -> None:
    """Refuse a mapping that names a column the file does not have, or has twice.

    Args:
        table: the open file.
        wanted: the column for each transaction field.

    Raises:
        UnreadableFileError: names the field, the column, and the columns there are.
    """
    for field, column in wanted.items():
        found = list(table.columns).count(column)
        if found != 1:
            problem = "no column" if not found else f"{found} columns named"
            names = ", ".join(f"`{redact_card_numbers(n)}`" for n in table.columns[:_SHOWN_COLUMNS])
            raise UnreadableFileError(
                f"{field}: the file has {problem} `{redact_card_numbers(column)}`; "
                f"its columns are {names}"
            )
