"""How one cell of a file is read. A cell that cannot be read is an error, never a guess."""

import math
import re
from collections.abc import Callable, Collection
from datetime import datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final

from cardwatch_contracts.privacy import is_card_number, redact_card_numbers
from cardwatch_contracts.transaction import MAX_AMOUNT_MINOR

Cell = str | int | float | bool | Decimal | datetime | None
"""A cell: text in a CSV file, any of these in a Parquet file; None and `""` are empty."""

_SHORTEST_CARD_NUMBER: Final = 13
_LONGEST_NUMBER: Final = 40
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_HEX_WORD = re.compile(r"(?<![0-9A-Za-z])(?=[0-9-]*[A-Fa-f])[0-9A-Fa-f-]{24,}(?![0-9A-Za-z])")
EXACT: Final = Context(prec=2 * _LONGEST_NUMBER, traps=[Inexact, InvalidOperation])
"""Decimal arithmetic that raises `Inexact` rather than round."""


class CellError(ValueError):
    """What is wrong with a cell and what is allowed. The message never holds the cell."""


def text_of(cell: Cell) -> str:
    """Return a cell as text; a whole number in a column of floats is written without `.0`.

    Raises:
        CellError: the cell is a time, a list or anything else that has no single text form.
    """
    if type(cell) is str:
        return cell
    if type(cell) is int:
        return str(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, float | Decimal):
        return str(cell)
    raise CellError("not a text or number column; allowed: text, whole numbers, true or false")


def check_text(text: str) -> str:
    """Return `text` if it may leave the process.

    A long hexadecimal word (a digest, a UUID) is not searched: by chance its digits would pass
    for a card number in one of a few hundred.

    Raises:
        CellError: it holds a card number or is not UTF-8.
    """
    if len(text) >= _SHORTEST_CARD_NUMBER:
        searched = _HEX_WORD.sub("", text)
        if is_card_number(text) or redact_card_numbers(searched) != searched:
            raise CellError(
                "holds a card number; allowed: no card number, or list the column under "
                "`card_number_columns`"
            )
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise CellError("not UTF-8; allowed: UTF-8") from None
    return text


def number_of(cell: Cell) -> Decimal:
    """Return a cell as an exact number; a float counts as its shortest decimal form.

    Raises:
        CellError: the cell is not a finite number in plain decimal digits.
    """
    if isinstance(cell, str):
        if _NUMBER.fullmatch(cell):
            return Decimal(cell)
    elif isinstance(cell, bool):
        pass
    elif isinstance(cell, int | Decimal) or (isinstance(cell, float) and math.isfinite(cell)):
        number = Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)
        if number.is_finite():
            return number
    raise CellError("not a number; allowed: plain decimal digits such as -12.34")


def amount_of(cell: Cell, scale: int) -> int:
    """Return an amount in minor units, read from a number with `scale` decimals at most.

    Raises:
        CellError: not a number, more decimals than the currency has, or too large.
    """
    try:
        scaled = number_of(cell).scaleb(scale, EXACT)
    except Inexact:
        raise CellError("too many digits for an amount") from None
    amount = int(scaled)
    if abs(amount) > MAX_AMOUNT_MINOR:
        raise CellError(f"too large; allowed: up to {MAX_AMOUNT_MINOR:,} minor units")
    if amount != scaled:
        raise CellError(f"too many decimals; allowed: at most {scale}")
    if amount > 10 ** (_SHORTEST_CARD_NUMBER - 1) and is_card_number(str(amount)):
        raise CellError("a card number where an amount is expected")
    return amount


def degrees_of(cell: Cell) -> float:
    """Return degrees, not yet checked for their range.

    Raises:
        CellError: not a finite number.
    """
    return float(number_of(cell))


def flag_reader(
    true_cells: Collection[str], false_cells: Collection[str]
) -> Callable[[Cell], bool]:
    """Return a reader of yes and no."""
    meanings = dict.fromkeys(true_cells, True) | dict.fromkeys(false_cells, False)
    allowed = ", ".join(f"`{cell}`" for cell in meanings)

    def read(cell: Cell) -> bool:
        meaning = meanings.get(text_of(cell))
        if meaning is None:
            raise CellError(f"neither yes nor no; allowed: {allowed}")
        return meaning

    return read
