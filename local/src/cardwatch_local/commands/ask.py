"""`cardwatch ask`."""

import sys
from typing import Annotated, Final, Literal

import typer

from cardwatch_contracts.cells import csv_line
from cardwatch_local.commands import output
from cardwatch_local.commands.options import DatabaseUrl, From, StackName, To
from cardwatch_local.questions import QUESTIONS, Row, heading, shown
from cardwatch_local.reading.connection import Connection
from cardwatch_local.times import check_span

EXAMPLES: Final = (
    "cardwatch ask",
    "cardwatch ask false-positives --from 2026-11-01",
    "cardwatch ask merchants --limit 50 --format csv > merchants.csv",
)


def ask(
    *,
    question: Annotated[str | None, typer.Argument(metavar="[QUESTION]")] = None,
    begins: From = None,
    ends: To = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 20,
    answer_format: Annotated[
        Literal["table", "csv", "json"],
        typer.Option("--format", help="json is one object a line; amounts in minor units."),
    ] = "table",
    name: StackName = "default",
    database_url: DatabaseUrl = None,
) -> None:
    """Answer a ready question from the archive; without one, list them.

    --from and --to are when cardholders paid.
    """
    if question is None:
        output.table(("question", "asks"), ((key, one.asks) for key, one in QUESTIONS.items()))
        return
    if question not in QUESTIONS:
        raise typer.BadParameter(f"{question!r} is no question; there are {', '.join(QUESTIONS)}")
    try:
        check_span(begins, ends)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    url = Connection(stack=name, database_url=database_url).database
    # Here, because it loads psycopg, and other commands should answer at once.
    from cardwatch_local.reading.answers import answer  # noqa: PLC0415

    columns, rows = answer(url, QUESTIONS[question], begins=begins, ends=ends, limit=limit)
    _show(columns, rows, answer_format)


def _show(columns: list[str], rows: list[Row], answer_format: str) -> None:
    if answer_format == "json":
        for row in rows:
            output.say_json(row)
    elif answer_format == "csv":
        sys.stdout.write(csv_line(columns))
        sys.stdout.writelines(csv_line(row.values()) for row in rows)
        sys.stdout.flush()
    else:
        output.table(map(heading, columns), map(shown, rows))
        if not rows:
            output.say("nothing in this span")
