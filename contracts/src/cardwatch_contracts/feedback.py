"""What an analyst says of an alert, on the topic `feedback`."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from cardwatch_contracts.codec import decode, refuse_card_number
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


_decoder: Final = msgspec.json.Decoder(Feedback)
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
