"""`cardwatch generate`."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console

from cardwatch_generator.tracing import SERVICE
from cardwatch_local.commands.options import (
    BootstrapServers,
    GatewayUrl,
    StackName,
    ValkeyUrl,
    duration_option,
)
from cardwatch_local.reading.connection import Connection
from cardwatch_local.step_bars import steps_on
from cardwatch_local.traffic.stopping import stop_on_signal

EXAMPLES: Final = (
    "cardwatch generate --duration 60 --anomaly-share 0.05",
    "cardwatch generate --count 1000 --max --output transactions.jsonl",
    "cardwatch generate --via http --batch-size 100 --rate 500",
)


def generate(  # noqa: PLR0913 - each is an option on the command line
    *,
    rate: Annotated[
        float | None, typer.Option(help="Transactions a second of all banks together.")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    duration: Annotated[float | None, duration_option("Stop after this long.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same seed, same stream.")] = None,
    cards: Annotated[int | None, typer.Option(min=1, help="Cards of all banks.")] = None,
    anomaly_share: Annotated[
        float | None, typer.Option(min=0, max=0.5, help="Share that scenarios inject.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Event time of the first, such as 2026-11-21T12:00:00Z.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--max", help="As fast as it goes; event time ends about now.")
    ] = False,
    banks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML with banks, instead of A and B.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="JSON lines instead of Kafka; `-`: stdout."),
    ] = None,
    seed_cards: Annotated[
        bool | None,
        typer.Option(
            "--seed-cards/--no-seed-cards",
            help="Send cards and their past first; left out: if Valkey does not know them.",
        ),
    ] = None,
    via: Annotated[
        Literal["kafka", "http"], typer.Option(help="`http`: through the gateway.")
    ] = "kafka",
    gateway_url: GatewayUrl = None,
    api_keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML with the gateway's API key of each bank."),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, max=1_000, help="Transactions in a request to the gateway.")
    ] = 1,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
    valkey_url: ValkeyUrl = None,
) -> None:
    """Simulate banks: genuine payments with labelled fraud, into Kafka or a file."""
    # Here, because it loads numpy, and other commands should answer at once.
    from cardwatch_local.traffic import simulate  # noqa: PLC0415

    given: dict[str, Any] = {
        "seed": seed,
        "cards": cards,
        "duration_s": duration,
        "anomaly_share": anomaly_share,
        "start_ms": None if start is None else simulate.parse_start(start),
    }
    settings = simulate.generator_settings(
        (simulate.read_banks(banks) if banks else {})
        | {field: value for field, value in given.items() if value is not None},
        rate=rate,
        count=count,
        fast=fast,
    )
    target = simulate.Target(file=file)
    exporter = None
    if file is None:
        connection = Connection(
            stack=name,
            bootstrap_servers=bootstrap_servers,
            valkey_url=valkey_url,
            gateway_url=gateway_url,
        )
        exporter = connection.exporter(SERVICE)
        # Another Kafka's cards are not in this stack's Valkey.
        valkey = valkey_url if bootstrap_servers else connection.valkey
        gateway = None
        if via == "http" or gateway_url:
            gateway = simulate.gateway_settings(connection.gateway, api_keys, batch_size=batch_size)
        # Through the gateway, Kafka is needed for what is on record for cards alone.
        without_kafka = gateway is not None and seed_cards is False
        target = simulate.Target(
            bootstrap_servers="" if without_kafka else connection.kafka,
            gateway=gateway,
            valkey_url=valkey,
            seed=seed_cards,
        )
    began_s = time.monotonic()
    with stop_on_signal() as stopped, steps_on(Console(stderr=True)) as steps:
        counts = simulate.simulate(
            settings, target, count=count, steps=steps, stopped=stopped, exporter=exporter
        )
    if exporter is not None:
        exporter.close()
    labels = ", ".join(f"{label} {number:,}" for label, number in sorted(counts.by_label.items()))
    sys.stderr.write(
        f"{counts.acknowledged:,} transactions in {time.monotonic() - began_s:.1f} s: "
        f"{counts.genuine:,} genuine{f', {labels}' if labels else ''}\n"
    )
