"""An analyst's answer to an alert, into Kafka."""

from time import time_ns
from typing import Annotated, Final
from uuid import UUID, uuid4, uuid5

import msgspec
from confluent_kafka import KafkaException
from msgspec import Meta

from cardwatch_contracts.card_numbers import is_disguised_card_number
from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.feedback import Label, feedback_on
from cardwatch_contracts.topics import FEEDBACK
from cardwatch_contracts.transaction import Identifier
from cardwatch_gateway.archive import Archive
from cardwatch_gateway.delivery import all_done
from cardwatch_gateway.problems import ProblemError, invalid, unavailable
from cardwatch_gateway.sender import Outgoing, Sender

_SPACE: Final = UUID("0d5c3d36-57d1-5d0f-93a8-0a6a2b1f6f0c")


class SubmittedFeedback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An analyst's answer to an alert."""

    label: Label
    given_by: Identifier
    """Who says so."""
    reason: Annotated[str, Meta(max_length=1000)] = ""
    """Why; card numbers in it are redacted."""


class FeedbackAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """Feedback that every in-sync replica of Kafka has."""

    feedback_id: str
    alert_id: str
    accepted_at: int
    """Milliseconds since 1970-01-01 UTC."""


_decoder: Final = msgspec.json.Decoder(SubmittedFeedback)


def read_feedback(body: bytes) -> SubmittedFeedback:
    """Read feedback.

    Raises:
        ProblemError: 400 for what is no JSON, 422 for what breaks the contract.
    """
    try:
        feedback = _decoder.decode(body)
    except msgspec.ValidationError:
        # Whatever msgspec says could repeat what was sent.
        raise invalid(
            "expected an object with `label` (fraudulent, genuine or unsure), `given_by` (1 to 128 "
            "characters) and, if you like, `reason` (up to 1,000)"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(400, "not-json", "the body is not JSON in UTF-8") from None
    if is_disguised_card_number(feedback.given_by):
        raise invalid("given_by: a card number; allowed: a name", field="given_by")
    return feedback


async def give_feedback(
    alert_id: UUID,
    submitted: SubmittedFeedback,
    *,
    bank_id: str | None,
    once: str | None,
    archive: Archive,
    sender: Sender,
    timeout_s: float,
) -> FeedbackAccepted:
    """Send feedback, and return once Kafka has it.

    Args:
        alert_id: to which alert.
        submitted: what is said.
        bank_id: whose alerts may be answered; None: every bank's.
        once: a name under which the same feedback has the same id; None: it is a new one.
        archive: knows the alert.
        sender: Kafka's producer.
        timeout_s: how long Kafka may take. Seconds.

    Raises:
        ProblemError: 404 where there is no such alert; 503 where the archive or Kafka is away.
    """
    row = await archive.alert(alert_id, bank_id)
    if row is None:
        raise ProblemError(404, "no-alert", "there is no such alert in the archive")
    feedback_id = uuid4() if once is None else uuid5(_SPACE, f"{alert_id} {once}")
    try:
        feedback = feedback_on(
            row,
            feedback_id=str(feedback_id),
            label=submitted.label,
            given_by=submitted.given_by,
            given_at=time_ns() // 1_000_000,
            reason=submitted.reason,
        )
        record = Outgoing(FEEDBACK.name, feedback.transaction_id.encode(), encode(feedback), b"")
        delivery = sender.send(record)
    except InvalidRecordError as error:
        raise invalid(str(error)) from None
    except (BufferError, KafkaException):
        raise unavailable("kafka-away", "Kafka takes nothing now") from None
    if not (await all_done([delivery], timeout_s) and delivery.accepted):
        raise unavailable("not-acknowledged", f"Kafka gave no word within {timeout_s:g} s", 2)
    return FeedbackAccepted(
        feedback_id=str(feedback_id), alert_id=str(alert_id), accepted_at=delivery.done_ms
    )
