"""Cells of a CSV file. Pure.

What merchants and analysts wrote may be made to run in a spreadsheet. A cell is run as a formula
where it begins with one of `= + - @`, their full-width forms, a tab or a line break: see OWASP, CSV
Injection. Such text gets an apostrophe before it, which spreadsheets take for "this is text". So
does such a character after a separator or quote within the text, because a spreadsheet with another
separator than ours would begin a cell there; and every text is quoted.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

Cell = str | int | float | bool | datetime | Sequence[str] | None
"""A value of the archive; of numbers none is infinite."""

_FULL_WIDTH: Final = "\uff1d\uff0b\uff0d\uff20"
_MEANT = re.compile(rf"[=+\-@\t\r\n{_FULL_WIDTH}]")
_RUNS = re.compile(rf"""(^|[,;|\t\r\n"])([^\S\t\r\n]*)(?=[=+\-@\t\r\n{_FULL_WIDTH}])""")
LINE_END: Final = "\r\n"  # RFC 4180


def csv_line(cells: Iterable[Cell]) -> str:
    """Write a line of comma-separated values."""
    return ",".join(map(csv_cell, cells)) + LINE_END


def csv_cell(value: Cell) -> str:
    """Write one value.

    Text is quoted and made harmless; several texts are one, separated by ` / `. Numbers stay
    numbers, negative ones too. Times are ISO 8601 in UTC, to the millisecond. What is missing is
    empty.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        return format_instant(value)
    text = value if isinstance(value, str) else " / ".join(value)
    return _quoted(text)


@lru_cache(maxsize=4096)  # banks, cities and currencies come again and again
def _quoted(text: str) -> str:
    return '"' + harmless(text).replace('"', '""') + '"'


def harmless(text: str) -> str:
    """Return text that no spreadsheet runs, wherever it begins a cell."""
    # Most texts have none of them, and looking for one is quick.
    return _RUNS.sub(r"\1\2'", text) if _MEANT.search(text) else text


def format_instant(moment: datetime) -> str:
    """Write a time such as `2026-11-21T12:30:00.250Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
