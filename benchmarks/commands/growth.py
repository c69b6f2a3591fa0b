"""`growth`: what more cards, more configs and more slots cost."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from confluent_kafka import Producer

from benchmarks.commands.options import (
    CommitIntervalS,
    Report,
    Seed,
    Transactions,
    WarmUpS,
    WindowS,
)
from benchmarks.contenders import CARDWATCH, Contender
from benchmarks.filled import expected_alerts, filled
from benchmarks.measure import measure
from benchmarks.reference import Reference
from benchmarks.reporting import console, say, write_report
from benchmarks.settings import Method, Stream
from benchmarks.stand import Stand
from benchmarks.table import Result, table_of
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import ConfigRecord, DetectorConfigSpec, Selector
from cardwatch_contracts.topics import DETECTOR_CONFIGS
from cardwatch_local.service import Service

EXAMPLES: Final = (
    "python -m benchmarks growth",
    "python -m benchmarks growth --transactions 1000000 --window-s 10 --report growth.json",
)
_CARDS: Final = (10_000, 100_000, 1_000_000)
_USUAL_CARDS: Final = 100_000
_CONFIGS: Final = (10, 50, 200)
_SLOTS: Final = (1, 2, 4)
_BIG_HEAP_MB: Final = 2048
"""Heap of each TaskManager with a million cards, MiB."""


def growth(
    *,
    transactions: Transactions = 6_000_000,
    warm_up_s: WarmUpS = 30.0,
    window_s: WindowS = 15.0,
    commit_interval_s: CommitIntervalS = 5.0,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure the job with 10,000 to 1,000,000 cards, 10 to 200 configs, 1 to 4 slots."""
    method = Method(commit_interval_s=commit_interval_s, warm_up_s=warm_up_s, window_s=window_s)
    stream = Stream(transactions=transactions, seed=seed)
    write_report(report, {"growth": measure_growth(stream, method)})


def measure_growth(stream: Stream, method: Method) -> list[dict[str, Any]]:
    """Measure each size, and print them as one table."""
    results = [result for cards in _CARDS for result in _with_cards(stream, method, cards)]
    console.print(table_of(results, title="How cost grows"))
    return [result.as_json() for result in results]


def _with_cards(stream: Stream, method: Method, cards: int) -> Iterable[Result]:
    if cards > _USUAL_CARDS:
        method = replace(method, heap_mb=_BIG_HEAP_MB)
    with filled(replace(stream, cards=cards)) as stand:
        reference = expected_alerts(stand)
        yield _measure(stand, CARDWATCH, method, reference, f"{cards:,} cards")
        if cards != _USUAL_CARDS:
            return
        for count in _CONFIGS:
            busy = with_configs(CARDWATCH, count)
            yield _measure(stand, busy, method, reference, f"{count} configs")
        for slots in _SLOTS:
            scaled = replace(method, parallelism=slots)
            yield _measure(stand, CARDWATCH, scaled, reference, f"{slots} slots")


def with_configs(contender: Contender, count: int) -> Contender:
    """Return the contender with DetectorConfigs in force that select none of the transactions.

    That is the worst case: each is held against every transaction, and the built-in one judges.
    """

    def servers(stand: Stand, run: str, method: Method, group: str) -> Sequence[Service]:
        _publish_configs(stand.bootstrap_servers, count)
        return contender.servers(stand, run, method, group)

    return replace(contender, servers=servers)


def _publish_configs(bootstrap_servers: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for number in range(count):
        record = ConfigRecord(
            name=f"bench-{number}",
            generation=1,
            created_at=number,
            spec=DetectorConfigSpec(selector=Selector(bank_ids=(f"elsewhere-{number}",))),
        )
        producer.produce(DETECTOR_CONFIGS.name, encode(record), record.name.encode())
    producer.flush()


def _measure(
    stand: Stand, contender: Contender, method: Method, reference: Reference, name: str
) -> Result:
    measurement = measure(stand, contender, method, reference)
    say(f"{name}: {measurement}")
    setup = f"{name}, {method.parallelism} slots, heap {method.heap_mb} MiB for each"
    return Result.of(name, contender.guarantee, setup, [measurement])
