"""A stream in real time beside the job."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.stand import Stand
from cardwatch_local.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStream:
    """How much is published, and by how many processes."""

    tps: float
    """Transactions a second of all processes together."""
    cards: int
    processes: int = 1
    seed: int = 1


@contextmanager
def publishing(stand: Stand, stream: LiveStream) -> Iterator[Sequence[Service]]:
    """Publish a stream while the block lasts; it begins once its cards are made, in seconds."""
    services = [_part(stand, stream, part) for part in range(stream.processes)]
    try:
        for service in services:
            service.start()
        yield services
    finally:
        for service in services:
            service.begin_stop()
        for service in services:
            service.stop()


def _part(stand: Stand, stream: LiveStream, part: int) -> Service:
    return stand.python(
        "live",
        f"generator-{part}",
        [
            *("-m", "benchmarks.programs.live"),
            *("--bootstrap-servers", stand.bootstrap_servers),
            *("--cards", str(stream.cards)),
            *("--tps", str(stream.tps)),
            *("--part", str(part)),
            *("--parts", str(stream.processes)),
            *("--seed", str(stream.seed)),
        ],
    )
