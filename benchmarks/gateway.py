"""How fast the gateway takes transactions, and how soon the job's verdict is there."""

import http.client
import itertools
import shutil
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.errors import BenchError
from benchmarks.latency import Spread
from cardwatch_contracts.codec import encode
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.gateway import GatewaySink
from cardwatch_generator.gateway_settings import GatewaySettings
from cardwatch_generator.run import start_of
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.stream import TransactionStream
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack import Stack

_WARM_UP_S: Final = 3.0
_PART: Final = 500
_VERDICT_TIMEOUT_MS: Final = 5_000
_CALLERS: Final = 64
"""Threads that ask for verdicts: as many questions as can wait for an answer."""
_STREAM_S: Final = 10_800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What became of the questions for verdicts."""

    spread: Spread
    """From when a question was due until its verdict was there."""
    missing: int
    """Questions without a verdict in time."""


@contextmanager
def running_stack() -> Iterator[Endpoints]:
    """Run a whole stack in a temporary folder.

    Raises:
        StackError: it does not start.
    """
    jars = StackSettings().jars_dir.absolute()
    jars.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="cardwatch-bench-"))
    (home / "jars").symlink_to(jars)
    try:
        with Stack(StackSettings(home=home, name="bench")) as stack:
            state = stack.status()
            assert state is not None and state.endpoints is not None, "it has started"
            yield state.endpoints
    finally:
        with suppress(OSError):
            (home / "jars").unlink()
        shutil.rmtree(home, ignore_errors=True)


def simulated(seed: int) -> Iterator[TransactionBatch]:
    """Yield transactions of the last hours of 20,000 cards, in small batches."""
    settings = GeneratorSettings(seed=seed, cards=20_000, pace="max", duration_s=_STREAM_S)
    return iter(TransactionStream(settings, start_ms=start_of(settings, SystemClock())))


def accepted_per_s(
    url: str,
    stream: Iterator[TransactionBatch],
    *,
    batch_size: int,
    connections: int,
    seconds: float,
) -> float:
    """Post until the time is over; return how many transactions a second were accepted.

    Raises:
        PublishError: the gateway refused one.
        BenchError: there were too few.
    """
    sink = GatewaySink(GatewaySettings(url=url, batch_size=batch_size, connections=connections))
    began_s = time.monotonic()
    before: tuple[float, int] | None = None
    try:
        for batch in _pieces(stream, max(_PART, 4 * batch_size)):
            sink.send(batch)
            now_s = time.monotonic()
            if before is None and now_s > began_s + _WARM_UP_S:
                before = now_s, sink.acknowledged
            if now_s > began_s + _WARM_UP_S + seconds:
                break
        after = time.monotonic(), sink.acknowledged
        sink.flush()
    finally:
        sink.close()
    if before is None or after[1] == before[1]:
        raise BenchError("the stream ended before the measured time")
    return (after[1] - before[1]) / (after[0] - before[0])


def _pieces(stream: Iterator[TransactionBatch], size: int) -> Iterator[TransactionBatch]:
    """Yield the same transactions in pieces of this size."""
    waiting = TransactionBatch((), ())
    for batch in stream:
        waiting = TransactionBatch(
            (*waiting.transactions, *batch.transactions),
            (*waiting.traceparents, *batch.traceparents),
        )
        while len(waiting) >= size:
            yield waiting.part(0, size)
            waiting = waiting.part(size, len(waiting))


def verdicts(url: str, transactions: Sequence[Transaction], *, per_s: float) -> Verdicts:
    """Ask for the verdict on each, so many a second, whether those before are there or not.

    Raises:
        BenchError: none came in time.
    """
    numbers = itertools.count()
    found_ms: list[float] = []
    missing: list[str] = []
    start_s = time.monotonic() + 0.5

    def ask() -> None:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
        while (number := next(numbers)) < len(transactions):
            due_s = start_s + number / per_s
            time.sleep(max(0.0, due_s - time.monotonic()))
            if _verdict(connection, transactions[number]):
                found_ms.append((time.monotonic() - due_s) * 1000)
            else:
                missing.append(transactions[number].transaction_id)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(_CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not found_ms:
        raise BenchError(f"none of {len(transactions):,} verdicts came in time")
    return Verdicts(spread=Spread.of(found_ms), missing=len(missing))


def _verdict(connection: http.client.HTTPConnection, txn: Transaction) -> bool:
    """Return whether the verdict came in time."""
    connection.request(
        "POST",
        f"/v1/transactions?verdict=true&timeout_ms={_VERDICT_TIMEOUT_MS}",
        encode(txn),
        {"Content-Type": "application/json"},
    )
    answer = connection.getresponse()
    said = answer.read()
    if answer.status not in (200, 202):
        raise BenchError(f"the gateway answered {answer.status}: {said[:300].decode()}")
    return msgspec.json.decode(said)["verdict"] is not None
