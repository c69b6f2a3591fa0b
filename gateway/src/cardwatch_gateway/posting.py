"""Transactions in, from the bytes of a request to those of its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic, time_ns
from typing import Final, NamedTuple

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from cardwatch_contracts.verdict import Verdict
from cardwatch_gateway.alert_filter import read_int, refuse_others
from cardwatch_gateway.answering import accepted, judged
from cardwatch_gateway.bodies import read_body
from cardwatch_gateway.gate import check_json
from cardwatch_gateway.idempotency import Answer, key_name
from cardwatch_gateway.keys import ApiKey
from cardwatch_gateway.problems import FieldError, ProblemError, invalid
from cardwatch_gateway.services import Services
from cardwatch_gateway.validation import SubmittedTransaction, read_transactions
from cardwatch_gateway.verdicts import in_time

MAX_VERDICTS: Final = 100
"""Most transactions of a request that waits for verdicts."""
MAX_TIMEOUT_MS: Final = 5_000
_TIMEOUT_MS: Final = 300


@dataclass(frozen=True, slots=True)
class _Wish:
    """Until when a client waits for verdicts; None: it does not."""

    deadline_s: float | None


_NO_WISH: Final = _Wish(None)


class Posted(NamedTuple):
    """A request that brings transactions."""

    headers: Mapping[str, str]
    """By their names in small letters."""
    query: bytes
    receive: Receive
    body: bytes | None = None
    """Where it has come already."""


async def post_transactions(request: Request, services: Services) -> Response:
    """Take the transactions of a request.

    Raises:
        ProblemError: something is wrong with it, or Kafka has not acknowledged them all.
        GoneError: who sent it has gone.
    """
    posted = Posted(request.headers, request.scope["query_string"], request.receive)
    done = await take_posted(posted, services)
    return Response(done.body, done.status, media_type="application/json")


async def take_posted(posted: Posted, services: Services) -> Answer:
    """Take transactions, and return what is to be answered; raises as `post_transactions` does."""
    began_s = monotonic()
    headers, settings, body = posted.headers, services.settings, posted.body
    key = services.gate.let_in(headers, "ingest")
    check_json(headers)
    wish = _read_wish(QueryParams(posted.query), began_s) if posted.query else _NO_WISH
    services.ingest.check_room(1)
    if body is None or len(body) > settings.max_body_bytes:
        body = await read_body(
            posted.receive,
            headers,
            max_bytes=settings.max_body_bytes,
            timeout_s=settings.body_timeout_s,
        )
    traceparent = headers.get("traceparent")
    once = headers.get("idempotency-key")
    if once is None:
        return await _take(services, key, body, traceparent, wish)
    fingerprint = sha256(b"%d " % (wish.deadline_s is None) + body).hexdigest()
    return await services.once.once(
        key_name(key.bank_id, once),
        fingerprint,
        lambda: _take(services, key, body, traceparent, wish),
    )


def _read_wish(query: Mapping[str, str], began_s: float) -> _Wish:
    refuse_others(query, ("verdict", "timeout_ms"))
    wanted = query.get("verdict", "false")
    if wanted not in ("true", "false"):
        raise invalid("verdict: allowed: true, false", field="verdict")
    timeout_ms = read_int(query, "timeout_ms", lowest=1, highest=MAX_TIMEOUT_MS)
    if wanted == "false":
        return _NO_WISH
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
    return Answer(202, accepted(entries, is_batch=is_batch))


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
    return Answer(status, judged(entries, verdicts, missing, is_batch=is_batch))


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
