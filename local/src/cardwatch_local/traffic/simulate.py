"""One run of the generator from the command line."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.span_export import Exporter
from cardwatch_generator.baselines import ValkeyBaselines
from cardwatch_generator.cardholder import Population, build_population
from cardwatch_generator.clock import Clock, SystemClock
from cardwatch_generator.gateway import GatewaySink
from cardwatch_generator.gateway_settings import GatewaySettings, read_api_keys
from cardwatch_generator.publish import KafkaSettings, KafkaSink, PublishError
from cardwatch_generator.replay import parse_shift_to
from cardwatch_generator.run import run_generator, seed_cards, start_of
from cardwatch_generator.settings import GeneratorSettings, parse_settings
from cardwatch_generator.sinks import Counts, JsonLinesSink, Sink
from cardwatch_local.errors import StackError
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.cards import ProfileReader
from cardwatch_local.traffic import seeding
from cardwatch_local.traffic.limit import LimitedSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the stream goes: a file, Kafka, or the gateway."""

    file: Path | None = None
    """JSON lines; `-` is standard output."""
    bootstrap_servers: Kafka = ""
    gateway: GatewaySettings | None = None
    """Transactions go there; what is on record for cards goes into Kafka all the same."""
    valkey_url: str | None = None
    """Where the stream's baselines come from; None: from the simulation itself."""
    seed: bool | None = None
    """Whether cards and their past go first; None: where Valkey does not know the cards."""


def read_banks(path: Path) -> dict[str, Any]:
    """Read generator settings from YAML: a list of banks, or a mapping with more.

    Raises:
        StackError: The file cannot be read; its values are checked later.
    """
    try:
        tree = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise StackError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StackError(f"{path}: not readable as YAML: {error}") from None
    if isinstance(tree, list):
        return {"banks": tree}
    if not isinstance(tree, dict):
        raise StackError(f"{path}: expected a list of banks, or a mapping with `banks`")
    return tree


def parse_start(text: str) -> int:
    """Read `--start`: an ISO 8601 time with its offset, or `now`; epoch milliseconds.

    Raises:
        StackError: says what is allowed.
    """
    try:
        return parse_shift_to(text, now_ms=SystemClock().now_ms)
    except ValueError as error:
        raise StackError(str(error).replace("shift_to", "--start", 1)) from None


def generator_settings(
    given: dict[str, Any], *, rate: float | None, count: int | None, fast: bool
) -> GeneratorSettings:
    """Build the generator's settings.

    Args:
        given: fields of `GeneratorSettings`.
        rate: transactions a second of all banks together, in their own proportions.
        count: how many are wanted; gives the length of a run at full speed.
        fast: as fast as it goes.

    Raises:
        StackError: names the field and what is allowed.
    """
    try:
        settings = parse_settings(given)
        if rate is not None:
            factor = rate / settings.tps
            banks = tuple(
                msgspec.structs.replace(bank, tps=bank.tps * factor) for bank in settings.banks
            )
            settings = msgspec.structs.replace(settings, banks=banks)
        if fast:
            if settings.duration_s is None and count is None:
                raise StackError("--max needs an end: give --count or --duration")
            # Chance makes some seconds poorer than others: a fifth more is surely enough.
            length_s = settings.duration_s or 1.2 * (count or 0) / settings.tps + 60
            settings = msgspec.structs.replace(settings, pace="max", duration_s=length_s)
    except ValueError as error:
        raise StackError(str(error)) from None
    return settings


def gateway_settings(url: str, api_keys: Path | None, *, batch_size: int) -> GatewaySettings:
    """Say how the gateway is reached.

    Raises:
        StackError: says what is wrong.
    """
    try:
        keys = read_api_keys(api_keys) if api_keys else {}
        return GatewaySettings(url=url, keys=keys, batch_size=batch_size)
    except ValueError as error:
        raise StackError(str(error)) from None


def simulate(
    settings: GeneratorSettings,
    target: Target,
    *,
    count: int | None,
    steps: StepListener,
    stopped: Callable[[], bool],
    exporter: Exporter | None = None,
) -> Counts:
    """Send the stream until it ends, `count` is reached or `stopped` says so.

    Raises:
        StackError: Kafka did not take a record in time, or Valkey does not answer while cards
            are seeded.
        OSError: The file could not be written.
    """
    try:
        return _simulate(
            settings, target, count=count, steps=steps, stopped=stopped, exporter=exporter
        )
    except PublishError as error:
        raise StackError(str(error)) from None


def _simulate(
    settings: GeneratorSettings,
    target: Target,
    *,
    count: int | None,
    steps: StepListener,
    stopped: Callable[[], bool],
    exporter: Exporter | None,
) -> Counts:
    clock = SystemClock()
    population = build_population(settings)
    with ExitStack() as cleanup:
        baselines = None
        if target.valkey_url is not None:
            baselines = ValkeyBaselines(target.valkey_url)
            cleanup.callback(baselines.close)
        wants_seed = target.file is None and _wants_seed(target, baselines, population)
        if target.file is not None:
            sink: Sink = JsonLinesSink(cleanup.enter_context(_open(target.file)))
        if wants_seed or (target.file is None and target.gateway is None):
            kafka = KafkaSink(
                KafkaSettings(bootstrap_servers=target.bootstrap_servers), exporter=exporter
            )
            cleanup.callback(kafka.close)
            sink = kafka
            if wants_seed:
                _seed(settings, population, target, sink=kafka, steps=steps, clock=clock)
        if target.gateway is not None:
            sink = gateway = GatewaySink(target.gateway)
            cleanup.callback(gateway.close)
        limited = LimitedSink(sink, limit=count)
        run_generator(
            settings,
            sink=limited,
            clock=clock,
            baselines=baselines,
            population=population,
            stop=lambda: limited.is_full or stopped(),
        )
        return limited.counts


def _wants_seed(target: Target, baselines: ValkeyBaselines | None, population: Population) -> bool:
    if target.seed is not None:
        return target.seed
    return baselines is not None and not baselines.lookup(population.card_ids[:1])


def _seed(
    settings: GeneratorSettings,
    population: Population,
    target: Target,
    *,
    sink: KafkaSink,
    steps: StepListener,
    clock: Clock,
) -> None:
    start_ms = start_of(settings, clock)
    if target.valkey_url is None:
        seed_cards(settings, sink=sink, start_ms=start_ms, population=population)
        return
    profiles = ProfileReader(target.valkey_url)
    try:
        seeding.seed_cards(population, sink=sink, profiles=profiles, steps=steps)
        seeding.stream_history(
            settings, population, start_ms=start_ms, sink=sink, profiles=profiles, steps=steps
        )
    finally:
        profiles.close()


def _open(file: Path) -> Any:
    try:
        return open(1, "wb", closefd=False) if str(file) == "-" else file.open("wb")
    except OSError as error:
        raise StackError(f"--output {file}: {error.strerror}") from None
