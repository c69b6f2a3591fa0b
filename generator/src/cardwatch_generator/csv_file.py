"""CSV files in batches of rows, each row with the physical line on which it begins."""

import csv
import zlib
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from cardwatch_generator.rejections import Rejection
from cardwatch_generator.tabular import BATCH_ROWS, Batch, UnreadableFileError

_MAX_LINE_CHARS: Final = 1_048_576


class CsvTable:
    """An open CSV file, not translated at line ends, whose first line is its header.

    Raises:
        UnreadableFileError: the file has no header.
    """

    def __init__(self, path: Path, text: TextIO, delimiter: str) -> None:
        self._path = path
        self._reader = csv.reader(self._lines(text), delimiter=delimiter, strict=True)
        try:
            self.columns: Sequence[str] = next(self._reader, [])
        except csv.Error:
            raise UnreadableFileError(f"{path}: line 1: not readable as a CSV header") from None
        if not self.columns:
            raise UnreadableFileError(f"{path}: empty; allowed: a header line, then rows")

    def _lines(self, text: TextIO) -> Iterator[str]:
        """Yield physical lines, none of them longer than what may be held in memory."""
        number = 0
        while True:
            number += 1
            try:
                line = text.readline(_MAX_LINE_CHARS)
            except (OSError, EOFError, zlib.error):
                raise UnreadableFileError(
                    f"{self._path}: line {number:,}: the file is damaged or cut off"
                ) from None
            if not line:
                return
            if len(line) == _MAX_LINE_CHARS:
                raise UnreadableFileError(
                    f"{self._path}: line {number:,}: longer than {_MAX_LINE_CHARS:,} characters"
                )
            yield line

    def batches(self, columns: Collection[str]) -> Iterator[Batch]:
        """Read the named columns, batch by batch.

        Raises:
            UnreadableFileError: the file is damaged; the message says on which line.
        """
        places = {name: self.columns.index(name) for name in columns}
        records = self._records()
        row = 0
        while chunk := list(islice(records, BATCH_ROWS)):
            read = [
                (number, line, cells)
                for number, (line, cells) in enumerate(chunk, row + 1)
                if not isinstance(cells, Rejection)
            ]
            row += len(chunk)
            yield Batch(
                rows=[number for number, _, _ in read],
                lines=[line for _, line, _ in read],
                columns={name: [cells[at] for _, _, cells in read] for name, at in places.items()},
                rejections=[cells for _, cells in chunk if isinstance(cells, Rejection)],
            )

    def _records(self) -> Iterator[tuple[int, list[str] | Rejection]]:
        """Yield each row with the physical line on which it begins."""
        width = len(self.columns)
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                last = self._reader.line_num
                reason = "a quotation mark is missing or in the wrong place, or a cell is too long"
                yield line, Rejection(line=line, reason=f"{reason} (read to line {last:,})")
                continue
            if not cells:
                continue  # a blank line is no row
            if len(cells) != width:
                reason = f"{len(cells)} cells; allowed: {width} as in the header"
                yield line, Rejection(line=line, reason=reason)
            else:
                yield line, cells
