"""`cardwatch model init-profiles`."""

from datetime import datetime
from typing import Annotated, Final

import typer
from rich.console import Console

from cardwatch_local.commands import output
from cardwatch_local.commands.options import BootstrapServers, DatabaseUrl, StackName
from cardwatch_local.commands.payment_source import (
    LABEL_DELAY_S,
    File,
    LabelDelay,
    Source,
    check_source,
    read_payments,
    time_of,
)
from cardwatch_local.reading.connection import Connection
from cardwatch_local.step_bars import steps_on

EXAMPLES: Final = (
    "cardwatch model init-profiles --from archive --dry-run",
    "cardwatch model init-profiles --from file payments.parquet",
)


def init_profiles(
    *,
    file: File = None,
    source: Source = "archive",
    ends: Annotated[
        datetime | None,
        typer.Option(parser=time_of, metavar="TIME", help="Exclusive. Left out: all there are."),
    ] = None,
    label_delay: LabelDelay = LABEL_DELAY_S,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Work it out, and only say how much it is.")
    ] = False,
    name: StackName = "default",
    database_url: DatabaseUrl = None,
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Work out what is usual for users, and have the job know it where it starts without history.

    The job takes up a user of whom it has seen fewer payments. Safe to repeat.
    """
    check_source(source, file)
    if file is not None and ends is not None:
        raise typer.BadParameter("--ends goes with --from archive")
    connection = Connection(
        stack=name, bootstrap_servers=bootstrap_servers, database_url=database_url
    )
    kafka = None if dry_run else connection.kafka  # asked first: the rest takes a while
    # Here, because it loads numpy, and other commands should answer at once.
    from cardwatch_local.models.habits import (  # noqa: PLC0415
        alerted_in_archive,
        habits_of,
        send_habits,
    )

    with steps_on(Console(stderr=True)) as steps:
        payments = read_payments(file, connection, steps, label_delay_s=label_delay, ends=ends)
        alerted = set() if file is not None else alerted_in_archive(connection.database)
        habits = habits_of(payments, alerted, steps)
        if kafka is not None:
            send_habits(kafka, habits, steps)
    size = sum(map(len, habits.values()))
    output.say(
        f"habits of {len(habits):,} users from {len(payments):,} payments, {size:,} bytes"
        + (": would be sent" if dry_run else ": sent")
    )
