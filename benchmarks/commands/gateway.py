"""`gateway`: requests, verdicts and archived rows a second."""

from typing import Annotated, Any, Final

import typer

from benchmarks.archive import archive_figures
from benchmarks.commands.options import Report, Seed
from benchmarks.filled import filled
from benchmarks.gateway import accepted, gateway_alone, simulated, whole_stack
from benchmarks.reporting import say, write_report
from benchmarks.settings import Stream
from benchmarks.verdicts import verdicts

EXAMPLES: Final = (
    "python -m benchmarks gateway",
    "python -m benchmarks gateway --seconds 5 --report gateway.json",
)
_BATCH: Final = 1_000
_BATCH_CONNECTIONS: Final = 4
_MADE: Final = 40_000


def gateway(
    *,
    seconds: Annotated[
        float, typer.Option(min=1, help="How long each way of sending is measured.")
    ] = 20.0,
    warm_up_s: Annotated[
        float, typer.Option(min=0, help="How long each is sent before that: the JVMs compile.")
    ] = 30.0,
    connections: Annotated[
        int, typer.Option(min=1, max=256, help="Requests at a time, of one transaction each.")
    ] = 64,
    verdicts_per_s: Annotated[
        float, typer.Option(min=1, help="How often a verdict is asked for.")
    ] = 500.0,
    rows: Annotated[int, typer.Option(min=10_000, help="Transactions to archive.")] = 600_000,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure the gateway and the archive, with who sends and all servers on these cores."""
    window = {"warm_up_s": warm_up_s, "seconds": seconds}
    found = {
        **measure_ingest(connections=connections, seed=seed, **window),
        **measure_everything(
            connections=connections, verdicts_per_s=verdicts_per_s, seed=seed, **window
        ),
    }
    with filled(Stream(transactions=rows, cards=100_000, seed=seed)) as stand:
        archived = archive_figures(stand)
        say(str(archived))
    write_report(report, {**found, "archive_rows_per_s": round(archived.rows_per_s)})


def measure_ingest(
    *, connections: int, seed: int, warm_up_s: float, seconds: float
) -> dict[str, Any]:
    """Send transactions, singly and in batches, with nobody else but Kafka and the gateway."""
    made, window = simulated(seed, _MADE), {"warm_up_s": warm_up_s, "seconds": seconds}
    with gateway_alone() as target:
        single = accepted(target, made, batch_size=1, connections=connections, **window)
        say(f"one in a request, nothing else running: {single}")
        batched = accepted(
            target, made, batch_size=_BATCH, connections=_BATCH_CONNECTIONS, **window
        )
        say(f"{_BATCH:,} in a request, nothing else running: {batched}")
    return {
        "http_requests_per_s": round(single.tx_per_s),
        "http_cpu_us_per_request": {name: round(us) for name, us in single.cpu_us_per_tx.items()},
        "batch_tx_per_s": round(batched.tx_per_s),
    }


def measure_everything(
    *, connections: int, verdicts_per_s: float, seed: int, warm_up_s: float, seconds: float
) -> dict[str, Any]:
    """Send transactions, singly and for their verdicts, with job, archiver and PostgreSQL."""
    asked = round(verdicts_per_s * (warm_up_s + seconds))
    made = simulated(seed, _MADE + asked)
    with whole_stack() as target:
        before = round(verdicts_per_s * warm_up_s)
        if before:
            verdicts(target.url, made.transactions[:before], per_s=verdicts_per_s)
        told = verdicts(target.url, made.transactions[before:asked], per_s=verdicts_per_s)
        say(
            f"{verdicts_per_s:,.0f} verdicts a second asked for, {told.per_s:,.0f} came: "
            f"{told.spread}; {told.missing} not in time"
        )
        single = accepted(
            target,
            made.part(asked, len(made)),
            batch_size=1,
            connections=connections,
            warm_up_s=warm_up_s,
            seconds=seconds,
        )
        say(f"one in a request, everything running: {single}")
    return {
        "http_requests_per_s_with_everything": round(single.tx_per_s),
        "verdict_ms": {"p50": round(told.spread.p50_ms, 1), "p99": round(told.spread.p99_ms, 1)},
        "verdicts_per_s": round(told.per_s, 1),
        "verdicts_missing": told.missing,
    }
