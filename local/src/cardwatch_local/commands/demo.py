"""`cardwatch demo`."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cardwatch_local.commands.options import duration_option

EXAMPLES: Final = (
    "cardwatch demo",
    "cardwatch demo --duration 60 --report demo.json",
    "cardwatch demo --cards 2000 --rate-a 200 --rate-b 100 --anomaly-share 0.1",
)


def demo(
    *,
    duration: Annotated[
        float | None, duration_option("Length of the live phase; left out: until Ctrl-C.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the figures there, as JSON.")
    ] = None,
    cards: Annotated[int, typer.Option(min=1, help="Cards of both banks.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Same seed: same cards, habits, fraud.")] = 1,
    rate_a: Annotated[float, typer.Option(help="Transactions a second of bank A.")] = 50.0,
    rate_b: Annotated[float, typer.Option(help="Transactions a second of bank B.")] = 30.0,
    anomaly_share: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of transactions that scenarios inject.")
    ] = 0.02,
) -> None:
    """Run the whole pipeline on this machine and watch it; nothing is left running afterwards.

    Starts Kafka, Valkey, the Flink job and the rest, gives every card a past, opens the visualizer
    if there is a desktop and nobody gave a duration, then streams two banks with labelled fraud. At
    the end every alert is compared with a reference run without Flink; the
    exit status is 1 if one was lost, doubled or different.
    """
    began_s = time.monotonic()
    # Here, because they load numpy, and other commands should answer at once.
    from cardwatch_local.demo.runner import Demo  # noqa: PLC0415
    from cardwatch_local.demo.settings import DemoSettings  # noqa: PLC0415

    settings = DemoSettings(
        duration_s=duration,
        report=report,
        cards=cards,
        seed=seed,
        rate_a=rate_a,
        rate_b=rate_b,
        anomaly_share=anomaly_share,
    )
    raise typer.Exit(Demo(settings, console=Console(), began_s=began_s).run())
