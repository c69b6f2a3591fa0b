"""Questions to the archive, and analysts' answers to alerts."""

from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.feedback import Label
from cardwatch_contracts.transaction import LATEST_EVENT_TIME_MS
from cardwatch_gateway.alert_filter import FIELDS, read_filter, read_int, read_text, refuse_others
from cardwatch_gateway.analyst import give_feedback, read_feedback
from cardwatch_gateway.bodies import read_body
from cardwatch_gateway.explaining import of_alert, without_alert
from cardwatch_gateway.gate import answer, check_json
from cardwatch_gateway.idempotency import key_name
from cardwatch_gateway.problems import ProblemError
from cardwatch_gateway.services import Services

MAX_LIMIT: Final = 200
LIMIT: Final = 50
_MAX_BODY_BYTES: Final = 16 * 1024


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts, newest event time first."""

    alerts: list[Alert]
    next: str | None
    """`cursor` of the page after; null: there is none."""


class GivenFeedback(msgspec.Struct, frozen=True, kw_only=True):
    """What an analyst said of an alert."""

    feedback_id: str
    label: Label
    given_by: str
    given_at: int
    """Milliseconds since 1970-01-01 UTC."""
    reason: str


class AlertAndFeedback(msgspec.Struct, frozen=True, kw_only=True):
    """An alert, and what was said of it, newest first."""

    alert: Alert
    feedback: list[GivenFeedback]


async def get_alerts(request: Request, services: Services) -> Response:
    """Answer with a page of archived alerts."""
    key = services.gate.let_in(request.headers, "read")
    query = request.query_params
    refuse_others(query, (*FIELDS, "since_ms", "until_ms", "cursor", "limit"))
    page = await services.archive.alerts(
        read_filter(query, key),
        since_ms=read_int(query, "since_ms", highest=LATEST_EVENT_TIME_MS),
        until_ms=read_int(query, "until_ms", highest=LATEST_EVENT_TIME_MS),
        cursor=read_text(query, "cursor"),
        limit=read_int(query, "limit", lowest=1, highest=MAX_LIMIT) or LIMIT,
    )
    return answer({"alerts": page.alerts, "next": page.next})


async def get_alert(request: Request, services: Services) -> Response:
    """Answer with an alert and what was said of it."""
    key = services.gate.let_in(request.headers, "read")
    refuse_others(request.query_params, ())
    alert_id = _alert_id(request)
    row = await services.archive.alert(alert_id, key.only_bank)
    if row is None:
        raise ProblemError(404, "no-alert", "there is no such alert in the archive")
    given = await services.archive.feedback(alert_id)
    return answer({"alert": msgspec.Raw(row["alert"].encode()), "feedback": given})


async def get_explanation(request: Request, services: Services) -> Response:
    """Answer with why a transaction raised an alert, or did not."""
    key = services.gate.let_in(request.headers, "read")
    refuse_others(request.query_params, ())
    transaction_id = read_text(request.path_params, "transaction_id") or ""
    row = await services.archive.alert_of(transaction_id, key.only_bank)
    if row is not None:
        return answer(of_alert(decode_alert(row["alert"].encode())))
    row = await services.archive.transaction(transaction_id, key.only_bank)
    if row is None:
        raise ProblemError(
            404,
            "no-transaction",
            "the archive has no such transaction: it was not sent, is not archived yet, or is no "
            "longer kept",
        )
    settle_s = services.settings.settle_s
    return answer(without_alert(transaction_id, age_s=row["age_s"], settle_s=settle_s))


async def post_feedback(request: Request, services: Services) -> Response:
    """Take an analyst's answer to an alert."""
    key = services.gate.let_in(request.headers, "analyst")
    refuse_others(request.query_params, ())
    check_json(request.headers)
    alert_id = _alert_id(request)
    timeout_s = services.settings.body_timeout_s
    body = await read_body(
        request.receive, request.headers, max_bytes=_MAX_BODY_BYTES, timeout_s=timeout_s
    )
    once = request.headers.get("idempotency-key")
    name = None
    if once is not None:
        # With the content in it: another answer under the same key is another answer.
        name = key_name(key.bank_id, once) + sha256(body).hexdigest()
    accepted = await give_feedback(
        alert_id,
        read_feedback(body),
        bank_id=key.only_bank,
        once=name,
        archive=services.archive,
        sender=services.sender,
        timeout_s=services.settings.ack_timeout_s,
    )
    return answer(accepted, 202)


def _alert_id(request: Request) -> UUID:
    text = request.path_params["alert_id"]
    try:
        alert_id = UUID(text)
    except ValueError:
        alert_id = None
    if alert_id is None or str(alert_id) != text.lower():
        raise ProblemError(404, "no-alert", "there is no such alert: expected a UUID")
    return alert_id
