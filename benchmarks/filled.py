"""A test stand with the topic filled and, where they are wanted, the expected alerts known."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.fill import check_disk, fill
from benchmarks.progress import ends_of
from benchmarks.reference import Reference, make_reference
from benchmarks.reporting import say
from benchmarks.settings import Stream
from benchmarks.stand import Stand


@contextmanager
def filled(stream: Stream) -> Iterator[Stand]:
    """Start a broker and fill it.

    Raises:
        BenchError: there is not enough disk.
        StackError: the broker does not start.
    """
    with Stand() as stand:
        check_disk(stand.home, stream)
        seconds = fill(stand.bootstrap_servers, stream)
        count = sum(ends_of(stand.bootstrap_servers).values())
        say(f"{count:,} transactions of {stream.cards:,} cards published in {seconds:.0f} s")
        yield stand


def expected_alerts(stand: Stand) -> Reference:
    """Judge all once to know what must be found."""
    began = time.monotonic()
    reference = make_reference(stand.bootstrap_servers)
    say(f"{len(reference):,} alerts expected, found in {time.monotonic() - began:.0f} s")
    return reference
