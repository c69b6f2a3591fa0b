from uuid import UUID, uuid5

import pytest
from msgspec.structs import replace
from tests.unit.transactions import make_transaction

from cardwatch_contracts.alert import Alert, Finding, alert_id_of, decode_alert
from cardwatch_contracts.card import (
    Card,
    CardProfile,
    card_key,
    decode_card,
    decode_card_profile,
)
from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.dead_letter import DeadLetter, decode_dead_letter
from cardwatch_contracts.feedback import Feedback, decode_feedback, feedback_on
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.privacy import REDACTED
from cardwatch_contracts.topics import TOPICS
from cardwatch_contracts.trace_context import trace_id_of
from cardwatch_contracts.verdict import Verdict, decode_verdict

_CARD = Card(
    card_id="card-1",
    user_id="user-1",
    bank_id="bank-a",
    payment_system="visa",
    currency="EUR",
    card_limit_minor=500_000,
)


def test_the_alert_of_a_transaction_always_has_the_same_id() -> None:
    assert alert_id_of("txn-1") == alert_id_of("txn-1") != alert_id_of("txn-2")
    namespace = UUID("5f2d8f5e-3c5b-5c39-9c56-6a0f0d1d7c11")
    for transaction_id in ("txn-1", "", "ü" * 128, *map(str, range(100))):
        assert alert_id_of(transaction_id) == str(uuid5(namespace, transaction_id))


def test_every_record_travels_whole() -> None:
    finding = Finding(
        detector="negative_amount",
        observed=-5,
        threshold=0,
        unit="minor",
        reason="amount of -0.05 EUR is below zero",
        counterfactual="no finding from 0.00 EUR",
        mode="shadow",
    )
    alert = Alert(
        alert_id=alert_id_of("txn-1"),
        transaction=make_transaction(amount_minor=-5),
        findings=(finding,),
        config="built-in",
        generation=0,
        ingested_at=1,
        mode="shadow",
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )
    profile = CardProfile(card_id="card-1", user_id="user-1", version=2, transactions=2)
    letter = DeadLetter(
        reason="not JSON", topic="t", partition=0, offset=1, ingested_at=2, size_bytes=3
    )

    verdict = Verdict(
        transaction_id="txn-1",
        decision="alert",
        config="built-in",
        generation=0,
        findings=(finding,),
        alert_id=alert.alert_id,
    )

    assert decode_alert(encode(alert)) == alert
    assert decode_verdict(encode(verdict)) == verdict
    assert decode_card(encode(_CARD)) == _CARD
    assert decode_card_profile(encode(profile)) == profile
    assert decode_dead_letter(encode(letter)) == letter


_FEEDBACK = Feedback(
    feedback_id="feedback-1",
    alert_id=alert_id_of("txn-1"),
    transaction_id="txn-1",
    user_id="user-1",
    card_id="card-1",
    bank_id="bank-a",
    merchant_id="merchant-1",
    label="genuine",
    given_by="ann",
    given_at=1_760_000_400_000,
    reason="the customer was on holiday",
)


def test_feedback_travels_whole_but_for_card_numbers_in_its_reason() -> None:
    assert decode_feedback(encode(_FEEDBACK)) == _FEEDBACK
    told = replace(_FEEDBACK, reason="paid with 4111 1111 1111 1111, she says")
    assert decode_feedback(encode(told)).reason == f"paid with {REDACTED}, she says"


@pytest.mark.parametrize("field", ["transaction_id", "given_by", "card_id"])
def test_feedback_names_nothing_by_a_card_number(field: str) -> None:
    bad = replace(_FEEDBACK, **{field: "4111111111111111"})
    with pytest.raises(InvalidRecordError, match=rf"\$\.{field}"):
        decode_feedback(encode(bad))


_ALERT_ROW = {name: getattr(_FEEDBACK, name) for name in ("alert_id", "transaction_id")} | {
    **{name: getattr(_FEEDBACK, name) for name in ("user_id", "card_id", "bank_id")},
    "merchant_id": "merchant-1",
}


@pytest.mark.parametrize(
    ("known", "event_time", "deviations"),
    [
        ({}, None, None),
        ({"event_time": None, "amount_deviations": None}, None, None),
        ({"event_time": 1_760_000_000_000, "amount_deviations": -0.5}, 1_760_000_000_000, -0.5),
        ({"amount_deviations": 1e300}, None, 1e9),
        ({"amount_deviations": -1e300}, None, -1e9),
        ({"amount_deviations": float("nan")}, None, None),
    ],
)
def test_feedback_brings_back_what_the_alert_knew_of_the_transaction(
    known: dict[str, float | None], event_time: int | None, deviations: float | None
) -> None:
    told = feedback_on(
        {**_ALERT_ROW, **known},
        feedback_id="feedback-1",
        label="fraudulent",
        given_by="ann",
        given_at=1_760_000_400_000,
    )

    assert (told.event_time, told.amount_deviations) == (event_time, deviations)
    assert decode_feedback(encode(told)) == told


def test_feedback_of_before_there_were_models_is_read() -> None:
    old = decode_feedback(encode(_FEEDBACK))
    assert (old.event_time, old.amount_deviations) == (None, None)
    assert b"event_time" not in encode(_FEEDBACK)


@pytest.mark.parametrize("field", ["event_time", "amount_deviations"])
def test_feedback_beyond_all_bounds_is_refused(field: str) -> None:
    with pytest.raises(InvalidRecordError, match=rf"\$\.{field}"):
        decode_feedback(encode(replace(_FEEDBACK, **{field: 10**15})))


def test_a_card_is_kept_under_its_user_and_itself() -> None:
    assert card_key(_CARD) == b"user-1/card-1"


@pytest.mark.parametrize("field", ["card_id", "user_id", "bank_id", "payment_system"])
def test_a_card_number_in_a_card_is_refused(field: str) -> None:
    with pytest.raises(InvalidRecordError, match=rf"Card number .* - at `\$\.{field}`"):
        decode_card(encode(replace(_CARD, **{field: "4111 1111 1111 1111"})))


@pytest.mark.parametrize(
    ("amount_minor", "currency", "written"),
    [
        (0, "EUR", "0.00 EUR"),
        (5, "EUR", "0.05 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (123_456_789, "USD", "1,234,567.89 USD"),
        (1_500, "JPY", "1,500 JPY"),
        (1_500, "KWD", "1.500 KWD"),
        (10**15 + 1, "EUR", "10,000,000,000,000.01 EUR"),
    ],
)
def test_an_amount_is_written_with_the_decimals_of_its_currency(
    amount_minor: int, currency: str, written: str
) -> None:
    assert format_amount(amount_minor, currency) == written


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0af7651916cd43dd8448eb211c80319c",
        ),
        (None, None),
        ("", None),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", None),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01", None),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n", None),
    ],
)
def test_the_trace_id_is_read_from_a_well_formed_context_only(
    traceparent: str | None, trace_id: str | None
) -> None:
    assert trace_id_of(traceparent) == trace_id


def test_topics_have_names_of_their_own_and_settings_kafka_knows() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    for topic in TOPICS:
        assert topic.partitions >= 1
        assert ("retention.ms" in topic.config) == (topic.cleanup == "delete")
