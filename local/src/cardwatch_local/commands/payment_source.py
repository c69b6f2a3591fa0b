"""Where commands take payments from: the archive, or a file."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from cardwatch_local.commands.options import duration_option
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.connection import Connection
from cardwatch_local.times import parse_time

if TYPE_CHECKING:
    from cardwatch_local.training.payments import Payments

SourceName: TypeAlias = Literal["archive", "file"]
Source = Annotated[SourceName, typer.Option("--from", help="Where payments come from.")]
File = Annotated[Path | None, typer.Argument(metavar="[FILE.parquet]", help="With --from file.")]
LabelDelay = Annotated[float, duration_option("After so long a label in a file is known.")]
LABEL_DELAY_S = 7 * 86_400.0


def time_of(text: str | datetime) -> datetime:
    """Read a time on the command line."""
    try:
        return text if isinstance(text, datetime) else parse_time(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def check_source(source: SourceName, file: Path | None) -> None:
    """Refuse a file where none is read, and the other way round."""
    if (source == "file") != (file is not None):
        raise typer.BadParameter("--from file needs FILE.parquet, and --from archive takes none")


def read_payments(
    file: Path | None,
    connection: Connection,
    steps: StepListener,
    *,
    label_delay_s: float,
    ends: datetime | None = None,
) -> "Payments":
    """Read a file, else the archive before `ends`.

    Raises:
        StackError: it cannot be read, or holds nothing.
    """
    # Here, because it loads numpy and pyarrow, and other commands should answer at once.
    from cardwatch_local.training import files  # noqa: PLC0415

    if file is not None:
        return files.read_parquet(file, label_delay_ms=round(label_delay_s * 1000))
    return files.read_archive(connection.database, files.Span(ends=ends), steps)
