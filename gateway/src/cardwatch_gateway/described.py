"""What each route takes and answers, in OpenAPI's words."""

from typing import Any, Final

from cardwatch_gateway.analyst import FeedbackAccepted, SubmittedFeedback
from cardwatch_gateway.answering import Accepted, BatchAccepted, BatchJudged, Judged
from cardwatch_gateway.asking import LIMIT, MAX_LIMIT, AlertAndFeedback, AlertPage
from cardwatch_gateway.explaining import Explanation
from cardwatch_gateway.openapi import answers, body, parameter, problems, schema_of
from cardwatch_gateway.posting import MAX_TIMEOUT_MS
from cardwatch_gateway.validation import SubmittedTransaction

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 128}
_TRACE_ID: Final = "0af7651916cd43dd8448eb211c80319c"
TRANSACTION: Final = {
    "transaction_id": "txn-2027-000001",
    "event_time": 1_760_000_400_000,
    "user_id": "user-1",
    "card_id": "tok_9f1c2d",
    "bank_id": "alpha",
    "payment_system": "visa",
    "amount_minor": 2_500,
    "currency": "EUR",
    "merchant_id": "merchant-1",
    "merchant_category": "grocery",
    "country": "DE",
    "city": "Berlin",
    "latitude": 52.52,
    "longitude": 13.405,
    "pin_used": True,
    "channel": "chip",
}
_ALERT_ID: Final = "53b0e4ac-5f0a-5bd1-a7b1-2f4d2a7a0a55"
_ONCE: Final = parameter(
    "Idempotency-Key",
    "What comes again under the same key is not done again, and is answered the same.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    where="header",
)
FILTERS: Final = [
    parameter("bank_id", "Only this bank's; a key of one bank sees no others.", _TEXT),
    parameter("user_id", "Only this user's.", _TEXT),
    parameter("detector", "Only with a finding of this detector.", _TEXT, example="amount_spike"),
    parameter("mode", "`shadow`: of detectors on trial.", {"enum": ["active", "shadow"]}),
    parameter(
        "min_amount_minor",
        "Smallest amount, minor units of whatever currency.",
        {"type": "integer", "format": "int64"},
    ),
]
_ALERT: Final = parameter(
    "alert_id", "The alert's id.", {"type": "string", "format": "uuid"}, where="path"
)

POST_TRANSACTIONS: Final[dict[str, Any]] = {
    "responses": {
        200: answers("Kafka has them, and the verdicts are here.", Judged, BatchJudged),
        202: answers(
            "Every in-sync replica of Kafka has them.",
            *(Accepted, BatchAccepted, Judged, BatchJudged),
            transaction_id=TRANSACTION["transaction_id"],
            trace_id=_TRACE_ID,
            accepted_at=1_760_000_400_012,
        ),
        **problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
    },
    "openapi_extra": {
        "requestBody": body(
            {
                "anyOf": [
                    schema_of(SubmittedTransaction),
                    {"type": "array", "items": schema_of(SubmittedTransaction), "minItems": 1},
                ]
            },
            {"one": TRANSACTION, "batch": [TRANSACTION]},
        ),
        "parameters": [
            parameter(
                "verdict",
                "Wait for what the job decides; the answer is then 200.",
                {"enum": ["true", "false"], "default": "false"},
            ),
            parameter(
                "timeout_ms",
                "How long to wait for it. Milliseconds.",
                {"type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_MS, "default": 300},
            ),
            _ONCE,
            parameter(
                "traceparent",
                "W3C trace context, in whose trace the transactions go on.",
                {"type": "string"},
                where="header",
            ),
        ],
    },
}
GET_STREAM: Final[dict[str, Any]] = {
    "responses": {
        200: {
            "description": "Server-sent events: connected, alert, heartbeat, gap, closing.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(401, 403, 422, 429, 503),
    },
    "openapi_extra": {
        "parameters": [
            *FILTERS,
            parameter("since", "Id of the last event; what came after it is sent.", _TEXT),
            parameter("Last-Event-ID", "The same, as browsers send it.", _TEXT, where="header"),
        ]
    },
}
_TIME: Final = {"type": "integer", "minimum": 0}
GET_ALERTS: Final[dict[str, Any]] = {
    "responses": {
        200: answers("Alerts, newest event time first.", AlertPage),
        **problems(401, 403, 422, 429, 503),
    },
    "openapi_extra": {
        "parameters": [
            *FILTERS,
            parameter("since_ms", "Earliest event time. Milliseconds since 1970 UTC.", _TIME),
            parameter("until_ms", "Event time before which they are. As above.", _TIME),
            parameter("cursor", "`next` of the page before.", _TEXT),
            parameter(
                "limit",
                "Most alerts of a page.",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT},
            ),
        ]
    },
}
GET_ALERT: Final[dict[str, Any]] = {
    "responses": {
        200: answers("The alert, and what analysts said of it.", AlertAndFeedback),
        **problems(401, 403, 404, 422, 429, 503),
    },
    "openapi_extra": {"parameters": [_ALERT]},
}
POST_FEEDBACK: Final[dict[str, Any]] = {
    "responses": {
        202: answers(
            "Every in-sync replica of Kafka has it.",
            FeedbackAccepted,
            feedback_id=_ALERT_ID,
            alert_id=_ALERT_ID,
            accepted_at=1_760_000_400_012,
        ),
        **problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 503),
    },
    "openapi_extra": {
        "requestBody": body(
            schema_of(SubmittedFeedback),
            {"fraud": {"label": "fraudulent", "given_by": "ana", "reason": "the customer called"}},
        ),
        "parameters": [_ALERT, _ONCE],
    },
}
GET_EXPLANATION: Final[dict[str, Any]] = {
    "responses": {
        200: answers("What was decided, and why.", Explanation),
        **problems(401, 403, 404, 422, 429, 503),
    },
    "openapi_extra": {
        "parameters": [parameter("transaction_id", "The transaction's id.", _TEXT, where="path")]
    },
}
