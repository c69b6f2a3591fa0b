"""How soon the job's verdict is there, asked for at a steady rate."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import uvloop

from benchmarks.errors import BenchError
from benchmarks.latency import Spread
from cardwatch_contracts.codec import encode
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.gateway_connection import GatewayConnection
from cardwatch_generator.gateway_settings import GatewaySettings

_TIMEOUT_MS: Final = 5_000
_CALLERS: Final = 256
"""As many questions as can wait for an answer."""
_JUDGED, _MISSING = 200, 202


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What became of the questions for verdicts."""

    spread: Spread
    """From when a question was due until its verdict was there."""
    per_s: float
    """Verdicts a second that came, whatever was asked for."""
    missing: int
    """Questions without a verdict in time."""


def verdicts(url: str, transactions: Sequence[Transaction], *, per_s: float) -> Verdicts:
    """Ask for the verdict on each, so many a second, whether those before are there or not.

    Raises:
        BenchError: none came in time, or the gateway refused a question.
    """
    found_ms, seconds = uvloop.run(_asked(url, transactions, per_s))
    if not found_ms:
        raise BenchError(f"none of {len(transactions):,} verdicts came in time")
    return Verdicts(
        spread=Spread.of(found_ms),
        per_s=len(found_ms) / seconds,
        missing=len(transactions) - len(found_ms),
    )


async def _asked(
    url: str, transactions: Sequence[Transaction], per_s: float
) -> tuple[list[float], float]:
    numbers = itertools.count()
    found_ms: list[float] = []
    settings = GatewaySettings(url=url, timeout_s=30)
    start_s = time.monotonic() + 0.5

    async def ask() -> None:
        connection = GatewayConnection(settings)
        while (number := next(numbers)) < len(transactions):
            due_s = start_s + number / per_s
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            answer = await connection.post(_question(url, transactions[number]))
            if answer.status == _JUDGED:
                found_ms.append((time.monotonic() - due_s) * 1000)
            elif answer.status != _MISSING:
                raise BenchError(f"the gateway answered {answer.status}: {answer.said}")
        connection.close()

    await asyncio.gather(*(ask() for _ in range(_CALLERS)))
    return found_ms, time.monotonic() - start_s


def _question(url: str, txn: Transaction) -> bytes:
    body = encode(txn)
    head = (
        f"POST /v1/transactions?verdict=true&timeout_ms={_TIMEOUT_MS} HTTP/1.1\r\n"
        f"Host: {url.rpartition('/')[2]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
