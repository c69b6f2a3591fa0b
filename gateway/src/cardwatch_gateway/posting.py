"""Transactions in, from the bytes of a request to those of its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic, time_ns
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from cardwatch_contracts.verdict import Verdict
from cardwatch_gateway.alert_filter import read_int, refuse_others
from cardwatch_gateway.bodies import read_body
from cardwatch_gateway.gate import check_json, ready_answer
from cardwatch_gateway.idempotency import Answer, key_name
from cardwatch_gateway.ingest import Accepted, BatchAccepted, results_of
from cardwatch_gateway.keys import ApiKey
from cardwatch_gateway.ledger import Entry
from cardwatch_gateway.problems import FieldError, ItemResult, ProblemError, invalid
from cardwatch_gateway.services import Services
from cardwatch_gateway.validation import SubmittedTransaction, read_transactions
from cardwatch_gateway.verdicts import in_time

MAX_VERDICTS: Final = 100
"""Most transactions of a request that waits for verdicts."""
MAX_TIMEOUT_MS: Final = 5_000
_TIMEOUT_MS: Final = 300
_encode: Final = msgspec.json.Encoder().encode


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


@dataclass(frozen=True, slots=True)
class _Wish:
    """Until when a client waits for verdicts; None: it does not."""

    deadline_s: float | None


async def post_transactions(request: Request, services: Services) -> Response:
    """Take the transactions of a request.

    Raises:
        ProblemError: something is wrong with it, or Kafka has not acknowledged them all.
        GoneError: who sent it has gone.
    """
    began_s = monotonic()
    headers, settings = request.headers, services.settings
    key = services.gate.let_in(headers, "ingest")
    check_json(headers)
    wish = (
        _read_wish(request.query_params, began_s) if request.scope["query_string"] else _Wish(None)
    )
    services.ingest.check_room(1)
    body = await read_body(
        request, max_bytes=settings.max_body_bytes, timeout_s=settings.body_timeout_s
    )
    traceparent = headers.get("traceparent")

    async def take() -> Answer:
        return await _take(services, key, body, traceparent, wish)

    once = headers.get("idempotency-key")
    if once is None:
        done = await take()
    else:
        fingerprint = sha256(f"{wish.deadline_s is None} ".encode() + body).hexdigest()
        done = await services.once.once(key_name(key.bank_id, once), fingerprint, take)
    return ready_answer(done.body, done.status)


def _read_wish(query: Mapping[str, str], began_s: float) -> _Wish:
    refuse_others(query, ("verdict", "timeout_ms"))
    wanted = query.get("verdict", "false")
    if wanted not in ("true", "false"):
        raise invalid("verdict: allowed: true, false", field="verdict")
    timeout_ms = read_int(query, "timeout_ms", lowest=1, highest=MAX_TIMEOUT_MS)
    if wanted == "false":
        return _Wish(None)
    return _Wish(began_s + (timeout_ms or _TIMEOUT_MS) / 1000)


async def _take(
    services: Services, key: ApiKey, body: bytes, traceparent: str | None, wish: _Wish
) -> Answer:
    txns, is_batch = read_transactions(
        body, max_batch=services.settings.max_batch, now_ms=time_ns() // 1_000_000
    )
    _check_banks(txns, key, is_batch=is_batch)
    services.gate.rates.charge(key, len(txns) - 1)
    if wish.deadline_s is not None:
        return await _take_and_wait(
            services, txns, traceparent, is_batch=is_batch, deadline_s=wish.deadline_s
        )
    entries = await services.ingest.take(txns, traceparent)
    if not is_batch:
        return Answer(202, _encode(_accepted(entries[0])))
    return Answer(
        202,
        _encode(
            BatchAccepted(
                accepted=len(entries), accepted_at=_last_ms(entries), results=results_of(entries)
            )
        ),
    )


async def _take_and_wait(
    services: Services,
    txns: Sequence[SubmittedTransaction],
    traceparent: str | None,
    *,
    is_batch: bool,
    deadline_s: float,
) -> Answer:
    if len(txns) > MAX_VERDICTS:
        raise invalid(f"verdict: at most {MAX_VERDICTS} transactions are allowed with it")
    ids = [txn.transaction_id for txn in txns]
    missing = "timeout" if services.verdicts.ready else "unavailable"
    futures = services.waiters.wait_for(ids) if services.verdicts.ready else None
    if futures is None:
        missing = "busy" if services.verdicts.ready else "unavailable"
        entries = await services.ingest.take(txns, traceparent)
        verdicts: list[Verdict | None] = [None] * len(ids)
    else:
        try:
            entries = await services.ingest.take(txns, traceparent, reply_to=services.instance)
            verdicts = await in_time(futures, deadline_s)
        finally:
            services.waiters.give_up(ids, futures)
    for verdict in verdicts:
        services.metrics.note_verdict(missing if verdict is None else "in_time")
    status = 202 if None in verdicts else 200
    return Answer(status, _judged(entries, verdicts, missing, is_batch=is_batch))


def _judged(
    entries: Sequence[Entry], verdicts: Sequence[Verdict | None], missing: str, *, is_batch: bool
) -> bytes:
    why = [missing if verdict is None else None for verdict in verdicts]
    if not is_batch:
        accepted = _accepted(entries[0])
        return _encode(
            Judged(
                transaction_id=accepted.transaction_id,
                trace_id=accepted.trace_id,
                accepted_at=accepted.accepted_at,
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


def _check_banks(txns: Sequence[SubmittedTransaction], key: ApiKey, *, is_batch: bool) -> None:
    if key.only_bank is None:
        return
    wrong = [index for index, txn in enumerate(txns) if txn.bank_id != key.only_bank]
    if not wrong:
        return
    detail = "Not the bank of the API key"
    errors = [
        FieldError(index=index if is_batch else None, field="bank_id", detail=detail)
        for index in wrong[:20]
    ]
    raise ProblemError(403, "other-bank", f"`bank_id`: {detail.lower()}", errors=errors)


def _accepted(entry: Entry) -> Accepted:
    return Accepted(
        transaction_id=entry.key[1],
        trace_id=entry.context.trace_id,
        accepted_at=entry.delivery.done_ms,
    )


def _last_ms(entries: Sequence[Entry]) -> int:
    return max(entry.delivery.done_ms for entry in entries)
