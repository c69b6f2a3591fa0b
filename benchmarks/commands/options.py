"""Options that several commands share."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

Transactions = Annotated[
    int, typer.Option(min=10_000, help="Transactions in the topic before anybody starts.")
]
Cards = Annotated[int, typer.Option(min=1_000, max=2_000_000, help="Cards that pay.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same stream.")]
WarmUpS = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="From the first progress to the window.")
]
WindowS = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Measured time.")]
CommitIntervalS = Annotated[
    float, typer.Option(min=0.1, metavar="SECONDS", help="Between two checkpoints or commits.")
]
Report = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the results as JSON here.")
]
LiveCards = Annotated[
    int,
    typer.Option(
        min=1_000,
        max=2_000_000,
        help="Cards that pay. Fewer than 40 for each transaction a second trip rapid series.",
    ),
]
Parallelism = Annotated[int, typer.Option(min=1, max=12, help="Slots or processes of a contender.")]


def check_names(given: Collection[str], there_are: Collection[str]) -> None:
    """Check that there is whatever was named.

    Raises:
        BadParameter: there is not; the message names what there is.
    """
    for name in given:
        if name not in there_are:
            raise typer.BadParameter(f"{name!r}: there are {', '.join(there_are)}")
