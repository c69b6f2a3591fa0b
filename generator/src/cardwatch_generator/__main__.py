"""Runs the generator in a container: `python -m cardwatch_generator --bootstrap-servers ...`."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from types import FrameType
from typing import BinaryIO, Final

from cardwatch_contracts.kafka_settings import kafka_at
from cardwatch_contracts.logs import write_logs
from cardwatch_contracts.prometheus import new_registry, serve
from cardwatch_contracts.span_export import exporter_of
from cardwatch_generator.baselines import ValkeyBaselines
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.gateway import GatewaySink
from cardwatch_generator.gateway_settings import GatewaySettings, read_api_keys
from cardwatch_generator.metrics import SendTimes, SinkMetrics
from cardwatch_generator.publish import KafkaSettings, KafkaSink, PublishError
from cardwatch_generator.run import run_generator, seed_cards, start_of
from cardwatch_generator.settings import (
    GeneratorSettings,
    InvalidSettingsError,
    change_settings,
    load_settings,
)
from cardwatch_generator.sinks import Counts, JsonLinesSink
from cardwatch_generator.tracing import SERVICE

_log = logging.getLogger("cardwatch_generator")
_TEXT: Final = "%(message)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the duration is over or a signal arrives; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.seed_cards and not options.bootstrap_servers:
        parser.error("--seed-cards: cards go into Kafka alone; it needs --bootstrap-servers")
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        write_logs(os.environ, _TEXT)
        settings = _settings(options)
        counts = _run(settings, options, stop)
    except (InvalidSettingsError, PublishError, OSError, ValueError) as error:
        _log.error("cardwatch_generator: %s", error)
        return 1
    _log.info(
        "%s sent, %s acknowledged, %s failed; %s genuine, %s",
        *(f"{count:,}" for count in (counts.sent, counts.acknowledged, counts.failed)),
        f"{counts.genuine:,}",
        dict(sorted(counts.by_label.items())),
    )
    return 0


def _run(settings: GeneratorSettings, options: argparse.Namespace, stop: Event) -> Counts:
    clock = SystemClock()
    baselines = ValkeyBaselines(options.valkey_url) if options.valkey_url else None
    if options.output:
        with _open(options.output) as file:
            return run_generator(
                settings,
                sink=JsonLinesSink(file),
                clock=clock,
                baselines=baselines,
                stop=stop.is_set,
            )
    if options.gateway_url:
        return _through_gateway(settings, options, baselines, stop)
    exporter = exporter_of(os.environ, service=SERVICE)
    kafka = kafka_at(options.bootstrap_servers)
    times = SendTimes() if options.metrics_port else None
    sink = KafkaSink(KafkaSettings(bootstrap_servers=kafka), exporter=exporter, times=times)
    if times is not None:
        SinkMetrics(sink, exporter, times.registry)
        serve(options.metrics_port, times.registry)
    try:
        if options.seed_cards:
            seed_cards(settings, sink=sink, start_ms=start_of(settings, clock))
        return run_generator(
            settings, sink=sink, clock=clock, baselines=baselines, stop=stop.is_set
        )
    finally:
        sink.close()
        if exporter is not None:
            exporter.close()


def _through_gateway(
    settings: GeneratorSettings,
    options: argparse.Namespace,
    baselines: ValkeyBaselines | None,
    stop: Event,
) -> Counts:
    keys = read_api_keys(options.api_keys) if options.api_keys else {}
    sink = GatewaySink(
        GatewaySettings(url=options.gateway_url, keys=keys, batch_size=options.batch_size)
    )
    if options.metrics_port:
        registry = new_registry()
        SinkMetrics(sink, None, registry)
        serve(options.metrics_port, registry)
    try:
        return run_generator(
            settings, sink=sink, clock=SystemClock(), baselines=baselines, stop=stop.is_set
        )
    finally:
        sink.close()


def _open(path: str) -> BinaryIO:
    return open(1, "wb", closefd=False) if path == "-" else open(path, "wb")


def _settings(options: argparse.Namespace) -> GeneratorSettings:
    settings = load_settings(options.config) if options.config else GeneratorSettings()
    given = {
        name: value
        for name in ("seed", "cards", "anomaly_share", "duration_s", "pace")
        if (value := getattr(options, name)) is not None
    }
    return change_settings(settings, tps=dict(options.tps), **given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cardwatch_generator",
        description="Stream simulated card transactions with labelled fraud.",
        allow_abbrev=False,
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--bootstrap-servers", help="Kafka, host:port separated by commas")
    where.add_argument("--gateway-url", help="Cardwatch's gateway, such as http://gateway:8080")
    where.add_argument("--output", help="write JSON lines to this file instead; - is stdout")
    parser.add_argument(
        "--api-keys", type=Path, help="YAML file with the gateway's API key of each bank, by its id"
    )
    parser.add_argument(
        "--batch-size", type=int, default=1, help="transactions in a request to the gateway (1)"
    )
    parser.add_argument("--config", type=Path, help="YAML file with the generator's settings")
    parser.add_argument("--valkey-url", help="learned card profiles, redis://host:port")
    parser.add_argument(
        "--seed-cards", action="store_true", help="publish the cards and their history first"
    )
    parser.add_argument("--seed", type=int, help="seed of every random draw (1)")
    parser.add_argument("--cards", type=int, help="cards of all banks together (10,000)")
    parser.add_argument("--anomaly-share", type=float, help="share of fraud, 0 to 0.5 (0.02)")
    parser.add_argument(
        "--metrics-port", type=_port, help="serve metrics for Prometheus there; else nowhere"
    )
    parser.add_argument("--duration-s", type=float, help="length in event time; else until stopped")
    parser.add_argument("--pace", choices=("real", "max"), help="real time, or as fast as it goes")
    parser.add_argument(
        "--tps",
        type=_bank_rate,
        action="append",
        default=[],
        metavar="BANK=RATE",
        help="transactions a second of one bank, such as A=200; may be repeated",
    )
    return parser


def _port(text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65_536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: 1 to 65535 is allowed")


def _bank_rate(text: str) -> tuple[str, float]:
    bank, _, rate = text.partition("=")
    try:
        return bank, float(rate)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: BANK=RATE is needed, such as A=200") from None


if __name__ == "__main__":
    sys.exit(main())
