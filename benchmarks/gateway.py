"""What the gateway takes, alone with Kafka or with everything else on the same cores."""

import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from msgspec.structs import replace

from benchmarks.errors import BenchError
from benchmarks.stand import Stand
from benchmarks.usage import TreeUsage
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.gateway import GatewaySink
from cardwatch_generator.gateway_settings import GatewaySettings
from cardwatch_generator.run import start_of
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.stream import TransactionStream
from cardwatch_local.ports import free_ports
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack import Stack

_PART: Final = 500
_STREAM_S: Final = 10_800.0
_READY_S: Final = 60.0
_LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running gateway, and whose CPU time is looked at."""

    url: str
    processes: Mapping[str, int]
    """Process ids by what they are called in the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was accepted within the window."""

    tx_per_s: float
    cpu_us_per_tx: Mapping[str, float]
    """CPU time of each process for a transaction, user and system. Microseconds."""

    def __str__(self) -> str:
        spent = ", ".join(f"{name} {us:.0f}" for name, us in self.cpu_us_per_tx.items())
        return f"{self.tx_per_s:,.0f} transactions a second; µs CPU each: {spent}"


@contextmanager
def gateway_alone() -> Iterator[Target]:
    """Run Kafka and a gateway, and nothing else.

    Raises:
        StackError: Kafka does not start.
        BenchError: the gateway is not ready in time.
    """
    with Stand() as stand:
        url = f"http://127.0.0.1:{free_ports(1)[0]}"
        arguments = ("-m", "cardwatch_gateway", "--no-auth", "--port", url.rpartition(":")[2])
        gateway = stand.python(
            "alone", "gateway", [*arguments, "--bootstrap-servers", stand.bootstrap_servers]
        )
        gateway.start()
        try:
            _await_ready(url)
            assert gateway.pid is not None, "it was started"
            yield Target(url=url, processes={"gateway": gateway.pid, "kafka": stand.broker_pid})
        finally:
            gateway.stop()


@contextmanager
def whole_stack() -> Iterator[Target]:
    """Run a whole stack in a temporary folder.

    Raises:
        StackError: it does not start.
    """
    jars = StackSettings().jars_dir.absolute()
    jars.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="cardwatch-bench-"))
    (home / "jars").symlink_to(jars)
    try:
        with Stack(StackSettings(home=home, name="bench", serves_pages=False)) as stack:
            state = stack.status()
            assert state is not None and state.endpoints is not None, "it has started"
            pids = {service.name: service.pid for service in state.services}
            yield Target(
                url=state.endpoints.gateway_url,
                processes={name: pid for name, pid in pids.items() if pid is not None},
            )
    finally:
        with suppress(OSError):
            (home / "jars").unlink()
        shutil.rmtree(home, ignore_errors=True)


def simulated(seed: int, count: int) -> TransactionBatch:
    """Return transactions of the last hours of 20,000 cards: making them takes longer than sending.

    Raises:
        BenchError: there are not so many.
    """
    settings = GeneratorSettings(seed=seed, cards=20_000, pace="max", duration_s=_STREAM_S)
    transactions: list[Transaction] = []
    traceparents: list[str] = []
    for batch in TransactionStream(settings, start_ms=start_of(settings, SystemClock())):
        transactions += batch.transactions
        traceparents += batch.traceparents
        if len(transactions) >= count:
            return TransactionBatch(transactions[:count], traceparents[:count])
    raise BenchError(f"{len(transactions):,} of {count:,} transactions were made")


def accepted(
    target: Target,
    batch: TransactionBatch,
    *,
    batch_size: int,
    connections: int,
    warm_up_s: float,
    seconds: float,
) -> Taken:
    """Post until the time is over; return what was accepted after the warm-up.

    Raises:
        PublishError: the gateway refused one.
    """
    sink = GatewaySink(
        GatewaySettings(url=target.url, batch_size=batch_size, connections=connections)
    )
    try:
        _post(sink, batch, max(_PART, 4 * batch_size), warm_up_s)
        before, began_s, usage = sink.acknowledged, time.monotonic(), _usage(target)
        _post(sink, batch, max(_PART, 4 * batch_size), seconds)
        count = sink.acknowledged - before
        lasted_s, used = time.monotonic() - began_s, _usage(target)
        sink.flush()
    finally:
        sink.close()
    return Taken(
        tx_per_s=count / lasted_s,
        cpu_us_per_tx={name: (used[name] - usage[name]) * 1e6 / count for name in used},
    )


def _post(sink: GatewaySink, batch: TransactionBatch, size: int, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while True:
        # Others each time: the same would be left out.
        series = f"{time.monotonic_ns():x}".translate(str.maketrans("0123456789", "ghijklmnop"))
        for first in range(0, len(batch), size):
            part = batch.part(first, first + size)
            transactions = [
                replace(txn, transaction_id=f"{txn.transaction_id}-{series}")
                for txn in part.transactions
            ]
            sink.send(TransactionBatch(transactions, part.traceparents))
            if time.monotonic() > end_s:
                return


def _usage(target: Target) -> dict[str, float]:
    """Return the CPU time of each process, and of this one, which sends. Seconds."""
    spent = {name: TreeUsage([pid]).read().cpu_s for name, pid in target.processes.items()}
    own = psutil.Process().cpu_times()
    return {**spent, "client": own.user + own.system}


def _await_ready(url: str) -> None:
    deadline_s = time.monotonic() + _READY_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=_READY_S):
                return
        except OSError:
            if time.monotonic() > deadline_s:
                raise BenchError(f"the gateway was not ready within {_READY_S:.0f} s") from None
        time.sleep(_LOOK_S)
