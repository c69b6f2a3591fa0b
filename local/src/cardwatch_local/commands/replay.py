"""`cardwatch replay`."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from cardwatch_local.commands.options import BootstrapServers, StackName
from cardwatch_local.reading.connection import Connection
from cardwatch_local.settings import StackSettings
from cardwatch_local.traffic.stopping import stop_on_signal

EXAMPLES: Final = (
    "cardwatch replay fraudTest.csv --mapping sparkov --speed 100x",
    "cardwatch replay fraudTest.csv --mapping sparkov --shift-to now --speed 1x",
    "cardwatch replay mine.parquet --mapping mine.yaml --limit 10000",
)


def replay(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or Parquet.")],
    mapping: Annotated[
        str, typer.Option(metavar="NAME_OR_FILE", help="handbook, sparkov, or a YAML file.")
    ],
    speed: Annotated[str, typer.Option(help="Such as 1x or 100x, or `max`.")] = "max",
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    shift_to: Annotated[
        str | None, typer.Option(help="Move all times so that the first is `now`, or then.")
    ] = None,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Send the transactions of a file, with any column names, at a chosen speed."""
    # Here, because it loads pyarrow, and other commands should answer at once.
    from cardwatch_local.traffic import replaying  # noqa: PLC0415

    wanted = replaying.Wanted(
        file=file, mapping=mapping, speed=speed, limit=limit, shift_to=shift_to
    )
    config = replaying.replay_config(wanted)
    kafka = Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka
    with stop_on_signal() as stopped:
        outcome = replaying.replay_into(
            kafka,
            config,
            limit=limit,
            key_file=StackSettings().home / "token.key",
            stopped=stopped,
        )
    for line in replaying.summary_lines(outcome):
        sys.stderr.write(f"{line}\n")
    replaying.check(outcome)
