"""Fills the topic that every contender reads."""

import gc
import shutil
import time
from pathlib import Path
from typing import Final

from benchmarks.errors import BenchError
from benchmarks.pool import in_parallel
from benchmarks.population import part_of
from benchmarks.settings import Stream
from cardwatch_generator.cardholder import build_population
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.publish import KafkaSettings, KafkaSink
from cardwatch_generator.run import run_generator

PARTS: Final = 2
_BYTES_EACH: Final = 300
"""Of disk for a transaction, compressed, with room for what contenders write. Measured: 180."""
LINGER_MS: Final = 50.0  # records travel in batches of a hundred or so, as under load


def fill(bootstrap_servers: str, stream: Stream) -> float:
    """Publish the cards on record and the transactions; return how many seconds it took.

    Raises:
        PublishError: Kafka did not take them.
    """
    began = time.monotonic()
    sent = in_parallel(_fill_part, [(bootstrap_servers, stream, part) for part in range(PARTS)])
    if sum(sent) < stream.transactions * 0.95:
        raise BenchError(
            f"the generator made {sum(sent):,} transactions of {stream.transactions:,}"
        )
    return time.monotonic() - began


def check_disk(folder: Path, stream: Stream) -> None:
    """Refuse a stream that does not fit on the disk.

    Raises:
        BenchError: with what is needed and what is there.
    """
    needed = stream.transactions * _BYTES_EACH
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BenchError(
            f"{stream.transactions:,} transactions take about {needed / 1e9:.1f} GB in {folder}, "
            f"which has {free / 1e9:.1f} GB free: give fewer with --transactions"
        )


def _fill_part(bootstrap_servers: str, stream: Stream, part: int) -> int:
    gc.disable()  # nothing here makes cycles, and looking for them takes a third of the time
    settings = part_of(stream, part, PARTS)
    sink = KafkaSink(KafkaSettings(bootstrap_servers=bootstrap_servers, linger_ms=LINGER_MS))
    try:
        population = build_population(settings)
        sink.send_cards(population.records())
        counts = run_generator(settings, sink=sink, clock=SystemClock(), population=population)
        return counts.acknowledged
    finally:
        sink.close()
