"""`cardwatch init-db`."""

from typing import Annotated, Final

import typer
from rich.console import Console

from cardwatch_local.commands import output
from cardwatch_local.commands.options import DatabaseUrl, StackName
from cardwatch_local.reading.connection import Connection
from cardwatch_local.step_bars import steps_on

EXAMPLES: Final = (
    "cardwatch init-db --dry-run",
    "cardwatch init-db --database-url postgresql://cardwatch@db:5432/cardwatch",
)


def init_db(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    name: StackName = "default",
    database_url: DatabaseUrl = None,
) -> None:
    """Make the archive's tables in PostgreSQL, or bring them up to date; safe to repeat.

    The archiver does the same when it starts. Migrations that were applied stay as they are.
    """
    # Here, because it loads psycopg, and other commands should answer at once.
    from cardwatch_local.archive_tables import look, migrate  # noqa: PLC0415

    url = Connection(stack=name, database_url=database_url).database
    if dry_run:
        left = look(url)
        for migration in left:
            output.say(f"{migration} would be applied")
    else:
        with steps_on(Console(stderr=True)) as steps:
            left = migrate(url, steps)
        for migration in left:
            output.say(f"{migration} applied")
    if not left:
        output.say("the archive's tables are up to date")
