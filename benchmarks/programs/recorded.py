"""Publishes recorded transactions at a steady rate, until they or the time end, or SIGTERM."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from threading import Event
from typing import Final

from confluent_kafka import Producer

from benchmarks.fill import LINGER_MS
from benchmarks.recorded import SEPARATOR
from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_generator.publish import KafkaSettings

_PAUSE_S: Final = 0.01


def main(arguments: Sequence[str]) -> None:
    """Publish, one transaction of each file in turn."""
    parser = argparse.ArgumentParser(prog="recorded", allow_abbrev=False)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--tps", type=float, required=True)
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = KafkaSettings(bootstrap_servers=options.bootstrap_servers, linger_ms=LINGER_MS)
    producer = Producer(settings.producer_config() | {"queue.buffering.max.messages": 1_000_000})
    with ExitStack() as opened:
        files = [opened.enter_context(path.open("rb", 1 << 20)) for path in options.files]
        _publish(producer, chain.from_iterable(zip(*files, strict=False)), options.tps, stop)
    producer.flush(30)


def _publish(producer: Producer, lines: Iterator[bytes], tps: float, stop: Event) -> None:
    began = time.monotonic()
    sent = 0
    while not stop.is_set():
        due = int((time.monotonic() - began) * tps)
        for line in islice(lines, due - sent):
            user_id, traceparent, value = line.rstrip(b"\n").split(SEPARATOR)
            headers: list[tuple[str, str | bytes | None]] = [(TRACEPARENT_HEADER, traceparent)]
            producer.produce(TRANSACTIONS.name, value, user_id, headers=headers)
        sent = due
        producer.poll(0)
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main(sys.argv[1:])
