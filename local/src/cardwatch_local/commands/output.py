"""What commands print."""

import sys
from collections.abc import Iterable

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text


def say(line: str) -> None:
    """Write a line for a person or a pipe; it is there at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_json(value: object) -> None:
    """Write a value as one line of JSON."""
    say(msgspec.json.encode(value).decode())


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table; cells are shown as they are, never read as markup."""
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        name, _, justify = column.partition(":")
        shown.add_column(
            name,
            justify="right" if justify == "right" else "left",
            no_wrap=justify != "wrap",
            overflow="fold",
        )
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    _console().print(shown)


def facts(pairs: Iterable[tuple[str, str]], *, indent: int = 0) -> None:
    """Write names and values, one pair a line."""
    for name, value in pairs:
        say(f"{' ' * indent}{name:<12} {value}")


class _Output(Console):
    """A console that leaves it to the command line how to end in a closed pipe."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console() -> Console:
    """Return a console; a pipe has no width, so nothing is cut there."""
    return _Output() if sys.stdout.isatty() else _Output(width=250)
