"""What an analyst says of an alert, on the topic `feedback`."""

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from cardwatch_contracts.card_numbers import is_disguised_card_number, without_card_numbers
from cardwatch_contracts.codec import InvalidRecordError, decode, encode, refuse_card_number
from cardwatch_contracts.privacy import redact_card_numbers
from cardwatch_contracts.transaction import EventTimeMs, Identifier

Label = Literal["fraudulent", "genuine", "unsure"]
Reason = Annotated[str, Meta(max_length=1000)]


class Feedback(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer to one alert. The latest `given_at` of an alert counts; the others are kept.

    It names whom the transaction concerns, so that who learns from it need not look it up.
    """

    feedback_id: Identifier
    """Unique; the same feedback sent again has the same."""
    alert_id: Identifier
    transaction_id: Identifier
    """The Kafka key."""
    user_id: Identifier
    card_id: Identifier
    bank_id: Identifier
    merchant_id: Identifier
    label: Label
    given_by: Identifier
    """Who says so."""
    given_at: EventTimeMs
    """When. Milliseconds since 1970-01-01 UTC."""
    reason: Reason = ""
    """Why, in the analyst's words; card numbers in it are redacted before it is sent."""
    event_time: EventTimeMs | None = None
    """When the transaction was. Milliseconds since 1970-01-01 UTC; None: who sent it did not say,
    and models learn nothing of the merchant from it."""
    amount_deviations: Annotated[float, Meta(ge=-1e9, le=1e9)] | None = None
    """As in the alert, where it is within these bounds; else the nearer one."""


_decoder: Final = msgspec.json.Decoder(Feedback)
_OF_ALERT: Final = ("transaction_id", "user_id", "card_id", "bank_id", "merchant_id")
_MOST_DEVIATIONS: Final = 1e9
_NAMES: Final = tuple(name for name in Feedback.__struct_fields__ if name.endswith(("_id", "_by")))


def decode_feedback(value: bytes | None) -> Feedback:
    """Decode and check one feedback; card numbers in its reason are redacted.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    feedback = decode(_decoder, value)
    for field in _NAMES:
        refuse_card_number(field, getattr(feedback, field))
    reason = redact_card_numbers(feedback.reason)
    return feedback if reason == feedback.reason else replace(feedback, reason=reason)


def feedback_on(
    alert: Mapping[str, Any],
    *,
    feedback_id: str,
    label: Label,
    given_by: str,
    given_at: int,
    reason: str = "",
) -> Feedback:
    """Return an analyst's answer to an alert, as who reads it would take it.

    Args:
        alert: the alert's ids: `alert_id`, and those of whom its transaction concerns; its
            `event_time`, milliseconds since 1970-01-01 UTC, and `amount_deviations`, as far as they
            are known.
        feedback_id: unique; the same for the same answer sent again.
        label: what is said.
        given_by: who says so.
        given_at: when. Milliseconds since 1970-01-01 UTC.
        reason: why, in the analyst's words; card numbers in it are redacted, in disguise too.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    if is_disguised_card_number(given_by):
        raise InvalidRecordError("Card number where none is allowed - at `$.given_by`")
    feedback = Feedback(
        feedback_id=feedback_id,
        alert_id=str(alert["alert_id"]),
        label=label,
        given_by=given_by,
        given_at=given_at,
        reason=without_card_numbers(reason),
        event_time=alert.get("event_time"),
        amount_deviations=_within(alert.get("amount_deviations")),
        **{name: alert[name] for name in _OF_ALERT},
    )
    return decode_feedback(encode(feedback))


def _within(deviations: float | None) -> float | None:
    """Return deviations that feedback may carry: nobody is kept from an answer by large ones."""
    if deviations is None or not isfinite(deviations):
        return None
    return max(-_MOST_DEVIATIONS, min(deviations, _MOST_DEVIATIONS))
