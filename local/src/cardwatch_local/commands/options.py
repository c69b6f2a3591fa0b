"""Options that several commands share, and how their words are read."""

from datetime import datetime
from typing import Annotated

import typer

from cardwatch_local.durations import parse_duration
from cardwatch_local.times import parse_time


def _duration(text: str | float) -> float:
    try:
        return float(text) if isinstance(text, float) else parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _time(text: str | datetime) -> datetime:
    try:
        return text if isinstance(text, datetime) else parse_time(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


StackName = Annotated[
    str, typer.Option("--name", metavar="STACK", help="Which stack on this machine: `demo`, …")
]
BootstrapServers = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Kafka's address, instead of the stack's."),
]
ValkeyUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Valkey's address, instead of the stack's."),
]
GatewayUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The gateway's address, instead of the stack's."),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="CARDWATCH_DATABASE_URL",
        help="PostgreSQL's address, instead of the stack's.",
    ),
]
From = Annotated[
    datetime | None,
    typer.Option("--from", parser=_time, metavar="TIME", help="Such as 2026-11-21; UTC."),
]
To = Annotated[
    datetime | None,
    typer.Option("--to", parser=_time, metavar="TIME", help="Exclusive, such as 2026-11-22T12:30."),
]
Json = Annotated[bool, typer.Option("--json", help="JSON for other programs.")]
Duration = Annotated[float, typer.Option(parser=_duration, metavar="SPAN")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same stream.")]
AnomalyShare = Annotated[
    float, typer.Option(min=0.0, max=0.5, help="Share of transactions that scenarios inject.")
]


def duration_option(help_text: str) -> typer.models.OptionInfo:
    """Make an option that takes `90s`, `10m`, `2h`, `7d` or seconds; its value is seconds."""
    option: typer.models.OptionInfo = typer.Option(parser=_duration, metavar="SPAN", help=help_text)
    return option
