"""`cardwatch export`."""

import sys
import time
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import Console

from cardwatch_local.commands.options import DatabaseUrl, From, StackName, To
from cardwatch_local.reading.connection import Connection
from cardwatch_local.step_bars import steps_on
from cardwatch_local.times import check_span

EXAMPLES: Final = (
    "cardwatch export alerts --from 2026-11-21 --to 2026-11-22 --output alerts.csv",
    "cardwatch export transactions --format parquet --output transactions.parquet",
    "cardwatch export feedback --output feedback.csv --force",
)


def export(  # noqa: PLR0913 - each is an option on the command line
    *,
    what: Annotated[Literal["alerts", "transactions", "findings", "feedback"], typer.Argument()],
    file: Annotated[Path, typer.Option("--output", metavar="FILE", help="Where to.")],
    begins: From = None,
    ends: To = None,
    by: Annotated[
        Literal["ingestion", "event"],
        typer.Option(help="Which time is meant: when Kafka took it, or when the cardholder paid."),
    ] = "ingestion",
    file_format: Annotated[
        Literal["parquet", "csv"] | None,
        typer.Option("--format", help="Left out: what the file's name ends with."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    name: StackName = "default",
    database_url: DatabaseUrl = None,
) -> None:
    """Write what the archive holds to a file, for spreadsheets and data frames.

    Text that a spreadsheet would run as a formula is made harmless in CSV.
    """
    chosen = file_format or _format_of(file)
    try:
        check_span(begins, ends)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    url = Connection(stack=name, database_url=database_url).database
    # Here, because they load pyarrow and psycopg, and other commands should answer at once.
    from cardwatch_local.exporting.datasets import DATASETS, Span  # noqa: PLC0415
    from cardwatch_local.exporting.export import Wanted  # noqa: PLC0415
    from cardwatch_local.exporting.export import export as write_export  # noqa: PLC0415

    wanted = Wanted(
        dataset=DATASETS[what],
        file=file,
        format=chosen,
        span=Span(begins=begins, ends=ends, by=by),
        force=force,
    )
    began_s = time.monotonic()
    with steps_on(Console(stderr=True)) as steps:
        rows = write_export(url, wanted, steps)
    sys.stderr.write(
        f"{rows:,} {what} in {file}, {file.stat().st_size / 1e6:,.1f} MB, "
        f"in {time.monotonic() - began_s:.1f} s\n"
    )


def _format_of(file: Path) -> Literal["parquet", "csv"]:
    if file.suffix == ".csv":
        return "csv"
    if file.suffix == ".parquet":
        return "parquet"
    raise typer.BadParameter(
        f"--format is needed: {file.name!r} ends with neither .csv nor .parquet"
    )
