"""`gateway`: requests, verdicts and archived rows a second."""

import itertools
from typing import Annotated, Any, Final

import typer

from benchmarks.archive import archive_figures
from benchmarks.commands.options import Report, Seed
from benchmarks.filled import filled
from benchmarks.gateway import accepted_per_s, running_stack, simulated, verdicts
from benchmarks.reporting import say, write_report
from benchmarks.settings import Stream

EXAMPLES: Final = (
    "python -m benchmarks gateway",
    "python -m benchmarks gateway --seconds 5 --report gateway.json",
)
_BATCH: Final = 1_000


def gateway(
    *,
    seconds: Annotated[
        float, typer.Option(min=1, help="How long each way of sending is measured.")
    ] = 20.0,
    connections: Annotated[
        int, typer.Option(min=1, max=256, help="Requests at a time, of one transaction each.")
    ] = 32,
    verdicts_per_s: Annotated[
        float, typer.Option(min=1, help="How often a verdict is asked for.")
    ] = 500.0,
    rows: Annotated[int, typer.Option(min=10_000, help="Transactions to archive.")] = 600_000,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure the gateway and the archive, with who sends and all servers on these cores."""
    found = measure_gateway(
        seconds=seconds, connections=connections, verdicts_per_s=verdicts_per_s, seed=seed
    )
    with filled(Stream(transactions=rows, cards=100_000, seed=seed)) as stand:
        archived = archive_figures(stand)
        say(str(archived))
    write_report(report, {**found, "archive_rows_per_s": round(archived.rows_per_s)})


def measure_gateway(
    *, seconds: float, connections: int, verdicts_per_s: float, seed: int
) -> dict[str, Any]:
    """Run a whole stack, and send it transactions singly, in batches, and for their verdicts."""
    with running_stack() as endpoints:
        url, stream = endpoints.gateway_url, simulated(seed)
        judged = itertools.chain.from_iterable(batch.transactions for batch in stream)
        asked = list(itertools.islice(judged, int(verdicts_per_s * seconds)))
        told = verdicts(url, asked, per_s=verdicts_per_s)
        say(f"{verdicts_per_s:,.0f} verdicts a second: {told.spread}; {told.missing} not in time")
        single = accepted_per_s(url, stream, batch_size=1, connections=connections, seconds=seconds)
        say(f"{single:,.0f} requests a second, each with one transaction")
        batched = accepted_per_s(url, stream, batch_size=_BATCH, connections=4, seconds=seconds)
        say(f"{batched:,.0f} transactions a second, {_BATCH:,} in a request")
    return {
        "http_requests_per_s": round(single),
        "batch_tx_per_s": round(batched),
        "verdict_ms": {"p50": round(told.spread.p50_ms, 1), "p99": round(told.spread.p99_ms, 1)},
        "verdicts_missing": told.missing,
    }
