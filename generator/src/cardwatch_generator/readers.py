"""What reads the cells of one column, as its mapping declares."""

from collections.abc import Callable
from functools import partial
from typing import Final

from cardwatch_generator.cells import (
    Cell,
    CellError,
    amount_of,
    check_text,
    degrees_of,
    flag_reader,
    text_of,
)
from cardwatch_generator.mapping import (
    AmountSource,
    DegreesSource,
    FlagSource,
    LabelSource,
    Source,
    TextSource,
    TimeSource,
    TransactionIdSource,
)
from cardwatch_generator.times import calendar_reader, epoch_reader, zone_of

Reader = Callable[[Cell], object]
"""Reads one cell; raises `CellError`."""

_SHOWN_CELLS: Final = 30


def reader_of(source: Source, tokenise: Callable[[str], str] | None) -> Reader:
    """Return what reads one cell of a source's column; only labels are asked about empty cells.

    Args:
        source: where a field comes from.
        tokenise: makes tokens where the column holds card numbers; None elsewhere.
    """
    match source:
        case TimeSource():
            return _time_reader(source)
        case AmountSource():
            return partial(amount_of, scale=source.scale or 0)
        case FlagSource():
            return flag_reader(source.true_cells, source.false_cells)
        case DegreesSource():
            return degrees_of
        case LabelSource():
            return _label_reader(source)
        case TransactionIdSource() | TextSource():
            return _text_reader(source, tokenise)


def _time_reader(source: TimeSource) -> Reader:
    if source.read.startswith("epoch"):
        return epoch_reader(source.read)
    return calendar_reader(source.format, zone_of(source.zone) if source.zone else None)


def _text_reader(
    source: TextSource | TransactionIdSource, tokenise: Callable[[str], str] | None
) -> Reader:
    prefix = source.prefix
    if tokenise is not None:
        return lambda cell: prefix + tokenise(text_of(cell))
    if isinstance(source, TransactionIdSource):
        return lambda cell: prefix + check_text(text_of(cell))
    lower, meanings = source.lower, source.values

    def read(cell: Cell) -> str:
        text = check_text(text_of(cell))
        if lower:
            text = text.lower()
        return prefix + (text if meanings is None else _meaning_of(text, meanings))

    return read


def _label_reader(source: LabelSource) -> Reader:
    genuine, scenarios = frozenset(source.genuine), source.scenarios

    def read(cell: Cell) -> str | None:
        text = check_text("" if cell is None else text_of(cell))
        if text in genuine:
            return None
        if not text:
            raise CellError("empty; allowed: the cells under `genuine`, or a scenario")
        return text if scenarios is None else _meaning_of(text, scenarios)

    return read


def _meaning_of(text: str, meanings: dict[str, str]) -> str:
    meaning = meanings.get(text)
    if meaning is None:
        allowed = ", ".join(f"`{cell}`" for cell in list(meanings)[:_SHOWN_CELLS])
        raise CellError(f"not among the mapping's values; allowed: {allowed}")
    return meaning
