"""`cardwatch generate` and `cardwatch replay`."""

import math
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cardwatch_generator.mapping import Mapping
from cardwatch_generator.mapping_file import InvalidMappingError, load_mapping
from cardwatch_generator.publish import KafkaSettings, PublishError
from cardwatch_generator.replay import (
    ReplayConfig,
    ReplayReport,
    parse_shift_to,
    parse_speed,
)
from cardwatch_generator.replay import (
    replay as replay_file,
)
from cardwatch_generator.sinks import Counts
from cardwatch_generator.tabular import UnreadableFileError
from cardwatch_generator.tokens import Tokeniser, TokenKeyError, token_key_file
from cardwatch_local.commands.options import (
    BootstrapServers,
    StackName,
    ValkeyUrl,
    duration_option,
)
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection
from cardwatch_local.settings import StackSettings
from cardwatch_local.step_bars import steps_on
from cardwatch_local.traffic.sender import KafkaSender
from cardwatch_local.traffic.simulate import Target, generator_settings, read_banks, simulate
from cardwatch_local.traffic.stopping import stop_on_signal

GENERATE_EXAMPLES: Final = (
    "cardwatch generate --duration 60 --anomaly-share 0.05",
    "cardwatch generate --count 1000 --max --output transactions.jsonl",
    "cardwatch generate --bootstrap-servers kafka:9092 --rate 500 --no-seed-cards",
)
REPLAY_EXAMPLES: Final = (
    "cardwatch replay fraudTest.csv --mapping sparkov --shift-to now --speed 100x",
    "cardwatch replay mine.parquet --mapping mine.yaml --limit 10000",
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
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
    valkey_url: ValkeyUrl = None,
) -> None:
    """Simulate banks: genuine payments with labelled fraud, into Kafka or a file."""
    given = read_banks(banks) if banks else {}
    options = {
        "seed": seed,
        "cards": cards,
        "duration_s": duration,
        "anomaly_share": anomaly_share,
        "start_ms": None if start is None else _time(start),
    }
    given |= {field: value for field, value in options.items() if value is not None}
    settings = generator_settings(given, rate=rate, count=count, fast=fast)
    connection = Connection(stack=name, bootstrap_servers=bootstrap_servers, valkey_url=valkey_url)
    target = Target(file=file) if file else _kafka_target(connection, seed_cards)
    errors = Console(stderr=True)
    began = time.monotonic()
    try:
        with stop_on_signal() as stopped, steps_on(errors) as steps:
            counts = simulate(settings, target, count=count, steps=steps, stopped=stopped)
    except PublishError as error:
        raise StackError(str(error)) from None
    _say_counts(counts, time.monotonic() - began)


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
    try:
        config = ReplayConfig(
            file=file,
            mapping=load_mapping(mapping),
            speed=parse_speed(speed),
            shift_to_ms=None if shift_to is None else parse_shift_to(shift_to, now_ms=_now_ms),
        )
        tokenise = _tokeniser(config.mapping)
    except (InvalidMappingError, TokenKeyError, ValueError) as error:
        raise StackError(str(error)) from None
    kafka = Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka
    sender = KafkaSender(KafkaSettings(bootstrap_servers=kafka))
    report = ReplayReport()
    began = time.monotonic()
    try:
        with stop_on_signal() as stopped:
            replay_file(
                config,
                send=sender.send,
                tokenise=tokenise,
                clock=time.monotonic,
                sleep=time.sleep,
                stopped=lambda: stopped() or report.sent == limit,
                report=report,
            )
        sender.flush()
    except UnreadableFileError as error:
        raise StackError(str(error)) from None
    _say_report(report, time.monotonic() - began, speed=config.speed)


def _kafka_target(connection: Connection, seed: bool | None) -> Target:
    own_kafka = connection.bootstrap_servers is not None
    return Target(
        bootstrap_servers=connection.kafka,
        # Another Kafka's cards are not in this stack's Valkey.
        valkey_url=connection.valkey_url if own_kafka else connection.valkey,
        seed=seed,
    )


def _tokeniser(mapping: Mapping) -> Tokeniser | None:
    if not mapping.card_number_columns:
        return None
    return Tokeniser(token_key_file(StackSettings().home / "token.key"))


def _say_counts(counts: Counts, seconds: float) -> None:
    labels = ", ".join(f"{label} {number:,}" for label, number in sorted(counts.by_label.items()))
    sys.stderr.write(
        f"{counts.acknowledged:,} transactions in {seconds:.1f} s: {counts.genuine:,} genuine"
        f"{f', {labels}' if labels else ''}\n"
    )


def _say_report(report: ReplayReport, seconds: float, *, speed: float) -> None:
    rejected = report.rejections.total
    lines = [
        f"{report.sent:,} of {report.rows:,} rows sent in {seconds:.1f} s "
        f"({report.sent / max(seconds, 1e-9):,.0f}/s), {report.labelled:,} with a label"
    ]
    if report.out_of_order:
        lines.append(f"{report.out_of_order:,} were older than one before them in the file")
    if speed < math.inf and report.lag_s >= 1:
        lines.append(f"the replay was up to {report.lag_s:.1f} s behind its speed")
    if rejected:
        lines.append(f"{rejected:,} rows left out, the first of them:")
        lines += [f"  {rejection}" for rejection in report.rejections.shown]
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    if rejected and not report.sent:
        raise StackError("no row could be mapped: does the mapping fit the file?")


def _time(text: str) -> int:
    try:
        return parse_shift_to(text, now_ms=_now_ms)
    except ValueError as error:
        raise StackError(str(error).replace("shift_to", "--start", 1)) from None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
