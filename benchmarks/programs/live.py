"""One part of a stream of transactions in real time, until SIGTERM."""

import argparse
import gc
import signal
import sys
from collections.abc import Sequence
from threading import Event

from benchmarks.population import live
from cardwatch_generator.cardholder import build_population
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.publish import KafkaSettings, KafkaSink
from cardwatch_generator.run import run_generator


def main(arguments: Sequence[str]) -> None:
    """Publish until SIGTERM."""
    options = _parser().parse_args(arguments)
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = live(
        options.cards, options.tps, part=options.part, parts=options.parts, seed=options.seed
    )
    population = build_population(settings)
    gc.freeze()  # millions of cards that never go away need not be looked through again
    sink = KafkaSink(KafkaSettings(bootstrap_servers=options.bootstrap_servers))
    try:
        run_generator(
            settings, sink=sink, clock=SystemClock(), population=population, stop=stop.is_set
        )
    finally:
        sink.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="live", allow_abbrev=False)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--cards", type=int, required=True)
    parser.add_argument("--tps", type=float, required=True)
    parser.add_argument("--part", type=int, required=True)
    parser.add_argument("--parts", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
