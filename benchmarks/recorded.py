"""A stream made beforehand and published at a steady rate beside the job.

Making believable payments takes longer than judging them, so what shares the cores with the job is
a load generator like others: it publishes what it has, at the rate it is told.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from benchmarks.fill import PARTS
from benchmarks.pool import in_parallel
from benchmarks.population import part_of
from benchmarks.settings import Stream
from benchmarks.stand import Stand
from cardwatch_contracts.codec import encode
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.cardholder import build_population
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.publish import KafkaSettings, KafkaSink
from cardwatch_generator.run import run_generator
from cardwatch_local.service import Service

SEPARATOR: Final = b"\t"
"""Between key, trace context and value of a record; records are lines."""


def record(stand: Stand, stream: Stream) -> list[Path]:
    """Publish the cards on record, and write the transactions into files; return those."""
    folder = stand.home / "recorded"
    folder.mkdir()
    tasks = [
        (stand.bootstrap_servers, stream, part, folder / f"part-{part}") for part in range(PARTS)
    ]
    in_parallel(_record_part, tasks)
    return [path for _, _, _, path in tasks]


@contextmanager
def publishing_recorded(stand: Stand, files: list[Path], tps: float) -> Iterator[Service]:
    """Publish what files hold, `tps` transactions a second, while the block lasts."""
    service = stand.python(
        "recorded",
        "load",
        [
            *("-m", "benchmarks.programs.recorded"),
            *("--bootstrap-servers", stand.bootstrap_servers),
            *("--tps", str(tps)),
            *map(str, files),
        ],
    )
    service.start()
    try:
        yield service
    finally:
        service.stop()


class _FileSink:
    """Writes transactions into a file, ready to be published."""

    failed = 0

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.acknowledged = 0

    def send(self, batch: TransactionBatch) -> None:
        self._file.writelines(
            SEPARATOR.join((txn.user_id.encode(), traceparent.encode(), encode(txn))) + b"\n"
            for txn, traceparent in zip(batch.transactions, batch.traceparents, strict=True)
        )
        self.acknowledged += len(batch)

    def check(self) -> None:
        """Nothing can go wrong later: `send` raises."""

    def flush(self) -> None:
        self._file.flush()


def _record_part(bootstrap_servers: str, stream: Stream, part: int, path: Path) -> None:
    settings = part_of(stream, part, PARTS)
    population = build_population(settings)
    cards = KafkaSink(KafkaSettings(bootstrap_servers=bootstrap_servers))
    try:
        cards.send_cards(population.records())
    finally:
        cards.close()
    with path.open("wb") as file:
        run_generator(settings, sink=_FileSink(file), clock=SystemClock(), population=population)
