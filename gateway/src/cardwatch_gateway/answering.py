"""What is answered to who sent transactions: that Kafka has them, and the job's verdicts. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from cardwatch_contracts.verdict import Verdict
from cardwatch_gateway.ledger import Entry
from cardwatch_gateway.outcomes import results_of
from cardwatch_gateway.problems import ItemResult

_encode: Final = msgspec.json.Encoder().encode


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that every in-sync replica of Kafka has."""

    transaction_id: str
    trace_id: str
    """W3C trace id, 32 hexadecimal digits."""
    accepted_at: int
    """When Kafka acknowledged it. Milliseconds since 1970-01-01 UTC."""


class BatchAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that every in-sync replica of Kafka has."""

    accepted: int
    accepted_at: int
    """When Kafka had acknowledged them all. Milliseconds since 1970-01-01 UTC."""
    results: list[ItemResult]


class Judged(Accepted, frozen=True, kw_only=True, omit_defaults=True):
    """A transaction that Kafka has, and the job's verdict on it."""

    verdict: Verdict | None
    verdict_missing: str | None = None
    """Why there is no verdict: `timeout`, `busy` or `unavailable`."""


class JudgedItem(ItemResult, frozen=True, kw_only=True, omit_defaults=True):
    """A transaction of a batch, and the job's verdict on it."""

    verdict: Verdict | None
    verdict_missing: str | None = None
    """Why there is no verdict: `timeout`, `busy` or `unavailable`."""


class BatchJudged(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that Kafka has, and the job's verdicts."""

    accepted: int
    accepted_at: int
    """When Kafka had acknowledged them all. Milliseconds since 1970-01-01 UTC."""
    results: list[JudgedItem]


def accepted(entries: Sequence[Entry], *, is_batch: bool) -> bytes:
    """Return, as JSON, that Kafka has transactions."""
    if not is_batch:
        return _encode(_accepted(entries[0]))
    return _encode(
        BatchAccepted(
            accepted=len(entries), accepted_at=_last_ms(entries), results=results_of(entries)
        )
    )


def judged(
    entries: Sequence[Entry], verdicts: Sequence[Verdict | None], missing: str, *, is_batch: bool
) -> bytes:
    """Return, as JSON, verdicts; `missing` says why some are None."""
    why = [missing if verdict is None else None for verdict in verdicts]
    if not is_batch:
        one = _accepted(entries[0])
        return _encode(
            Judged(
                transaction_id=one.transaction_id,
                trace_id=one.trace_id,
                accepted_at=one.accepted_at,
                verdict=verdicts[0],
                verdict_missing=why[0],
            )
        )
    items = [
        JudgedItem(
            index=result.index,
            transaction_id=result.transaction_id,
            trace_id=result.trace_id,
            status=result.status,
            verdict=verdict,
            verdict_missing=reason,
        )
        for result, verdict, reason in zip(results_of(entries), verdicts, why, strict=True)
    ]
    return _encode(BatchJudged(accepted=len(entries), accepted_at=_last_ms(entries), results=items))


def _accepted(entry: Entry) -> Accepted:
    return Accepted(
        transaction_id=entry.key[1],
        trace_id=entry.context.trace_id,
        accepted_at=entry.delivery.done_ms,
    )


def _last_ms(entries: Sequence[Entry]) -> int:
    return max(entry.delivery.done_ms for entry in entries)
