"""Rows of a file into transactions, column by column, by a mapping."""

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.transaction import Transaction, check_transaction
from cardwatch_generator.cells import Cell, CellError
from cardwatch_generator.mapping import LabelSource, Mapping, Source
from cardwatch_generator.readers import Reader, reader_of
from cardwatch_generator.rejections import Rejection
from cardwatch_generator.tabular import Batch

_FIELD = re.compile(r" - at `\$\.(\w+)`")


class RowMapper:
    """Maps batches of rows.

    Args:
        mapping: what fills which field.
        tokenise: makes a token of a card number; needed where the mapping names such columns.
        file_stem: begins the ids of transactions that the mapping numbers by row.

    Raises:
        ValueError: the mapping names columns of card numbers and `tokenise` is None.
    """

    def __init__(
        self, mapping: Mapping, *, tokenise: Callable[[str], str] | None, file_stem: str
    ) -> None:
        if mapping.card_number_columns and tokenise is None:
            raise ValueError("the mapping names `card_number_columns`: a token key is needed")
        self._mapping = mapping
        self._columns = mapping.columns
        self._file_stem = file_stem
        self._constants = {
            name: constant
            for name, source in mapping.sources.items()
            if (constant := getattr(source, "constant", None)) is not None
        }
        self._readers: dict[str, Reader] = {}
        self._empty: dict[str, Reader] = {}
        for name, column in self._columns.items():
            source = mapping.sources[name]
            is_number = column in mapping.card_number_columns
            self._readers[name] = reader_of(source, tokenise if is_number else None)
            self._empty[name] = _empty_reader(name, source, self._readers[name])

    def map(self, batch: Batch) -> Iterator[tuple[int, Transaction | Rejection]]:
        """Yield each row of the batch, in the file's order, with the line on which it begins."""
        failed: dict[int, Rejection] = {}
        columns = {name: self._read_column(name, batch, failed) for name in self._readers}
        if "transaction_id" not in columns:
            columns["transaction_id"] = self._row_ids(batch)
        unread = list(batch.rejections)[::-1]
        for line, values in zip(batch.lines, zip(*columns.values(), strict=True), strict=True):
            while unread and unread[-1].line < line:
                yield unread[-1].line, unread.pop()
            if line in failed:
                yield line, failed[line]
            else:
                fields = self._constants | dict(zip(columns, values, strict=True))
                yield line, self._transaction(line, fields)
        while unread:
            yield unread[-1].line, unread.pop()

    def _read_column(
        self, name: str, batch: Batch, failed: dict[int, Rejection]
    ) -> Sequence[object]:
        """Read one field of all rows; a cell that cannot be read is noted in `failed`."""
        column = self._columns[name]
        read, read_empty = self._readers[name], self._empty[name]
        cells = batch.columns[column]
        if None not in cells and "" not in cells:
            try:
                return list(map(read, cells))
            except CellError:
                pass  # the slower way below finds out which
        values: list[object] = []
        for line, cell in zip(batch.lines, cells, strict=True):
            try:
                values.append(read_empty(cell) if cell is None or cell == "" else read(cell))
            except CellError as error:
                values.append(None)
                failed.setdefault(
                    line, Rejection(line=line, field=name, column=column, reason=str(error))
                )
        return values

    def _row_ids(self, batch: Batch) -> Sequence[object]:
        source = self._mapping.fields.transaction_id
        return [f"{source.prefix}{self._file_stem}-{row}" for row in batch.rows]

    def _transaction(self, line: int, fields: dict[str, object]) -> Transaction | Rejection:
        """Build one transaction as strictly as the job will read it."""
        try:
            txn = msgspec.convert(fields, Transaction)
            check_transaction(txn)
        except (msgspec.ValidationError, InvalidRecordError) as error:
            match = _FIELD.search(str(error))
            name = match[1] if match else ""
            return Rejection(
                line=line,
                field=name,
                column=self._columns.get(name, ""),
                reason=_FIELD.sub("", str(error)),
            )
        return txn


def _empty_reader(name: str, source: Source, read: Reader) -> Reader:
    """Return what an empty cell means: the default, no limit, a label, or an error."""
    if isinstance(source, LabelSource):
        return read
    default = getattr(source, "default", None)

    def read_empty(_: Cell) -> object:
        if default is None and name != "card_limit_minor":
            raise CellError("empty; allowed: a value in every row, or `default` in the mapping")
        return default

    return read_empty
