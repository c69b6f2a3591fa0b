from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.card_numbers import card_numbers
from tests.unit.transactions import NOON_MS, encoded_transaction, make_transaction

from cardwatch_archiver.rows import (
    Row,
    alert_row,
    feedback_row,
    microseconds,
    stats_row,
    transaction_row,
)
from cardwatch_archiver.tables import TABLES
from cardwatch_contracts.alert import Alert, Finding, alert_id_of, decode_alert
from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.feedback import Feedback
from cardwatch_contracts.stats import TransactionStats

FINDING = Finding(
    detector="very_high_value",
    observed=2e6,
    threshold=1e6,
    unit="minor",
    reason="high",
    counterfactual="none below 10,000.00 EUR",
)
ALERT = Alert(
    alert_id=alert_id_of("txn-1"),
    transaction=make_transaction(),
    findings=(FINDING,),
    config="default",
    generation=0,
    ingested_at=NOON_MS + 5,
)
FEEDBACK = Feedback(
    feedback_id="f",
    alert_id=alert_id_of("txn-1"),
    transaction_id="txn-1",
    user_id="user-1",
    card_id="card-1",
    bank_id="bank-a",
    merchant_id="merchant-1",
    label="unsure",
    given_by="ana",
    given_at=NOON_MS,
)
STATS = TransactionStats(
    window_start=NOON_MS,
    window_end=NOON_MS + 10_000,
    dimension="total",
    name="",
    currency="EUR",
    count=1,
    sum_minor=1,
    min_minor=1,
    max_minor=1,
    average_minor=1.0,
)


def by_name(table: str, row: Row) -> dict[str, Any]:
    (columns,) = (each.columns for each in TABLES if each.name == table)
    return dict(zip(columns, row, strict=True))


def test_times_are_counted_as_postgresql_counts_them() -> None:
    assert microseconds(round(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)) == 0
    assert microseconds(NOON_MS) == (NOON_MS - 946_684_800_000) * 1000


def test_each_row_has_a_value_for_every_column() -> None:
    txn = by_name("transactions", transaction_row(encoded_transaction(), NOON_MS + 7))
    assert (txn["ingested_at"], txn["event_time"]) == (
        microseconds(NOON_MS + 7),
        microseconds(NOON_MS),
    )
    assert (txn["user_id"], txn["pin_used"], txn["label"]) == ("user-1", True, None)
    alert = by_name("alerts", alert_row(encode(ALERT), 0))
    assert alert["alert_id"] == UUID(ALERT.alert_id)
    assert (alert["detectors"], alert["mode"]) == (["very_high_value"], "active")
    assert decode_alert(alert["alert"]) == ALERT
    feedback = by_name("feedback", feedback_row(encode(FEEDBACK), 0))
    assert (feedback["label"], feedback["event_time"]) == ("unsure", None)
    known = replace(FEEDBACK, event_time=NOON_MS, amount_deviations=2.5)
    feedback = by_name("feedback", feedback_row(encode(known), 0))
    assert feedback["event_time"] == microseconds(NOON_MS)
    assert feedback["amount_deviations"] == 2.5
    assert by_name("transaction_stats", stats_row(encode(STATS), 0))["name"] == ""


@given(st.text(max_size=20))
def test_a_text_comes_as_it_was_but_for_nul(city: str) -> None:
    txn = by_name("transactions", transaction_row(encoded_transaction(city=city), 0))
    assert txn["city"] == city.replace("\0", "\ufffd")


def test_nul_is_replaced_wherever_it_is_in_an_alert() -> None:
    txn = make_transaction(user_id="u\0", city="\\u0000")
    alert = replace(ALERT, transaction=txn, findings=(replace(FINDING, reason="a\0b"),))
    row = by_name("alerts", alert_row(encode(alert), 0))
    assert row["user_id"] == "u\ufffd"
    assert row["city"] == "\\u0000", "six characters, none of them NUL"
    stored = decode_alert(row["alert"])
    assert stored.findings[0].reason == "a\ufffdb"
    assert stored.transaction.user_id == "u\ufffd"
    assert b"\\u0000" not in row["alert"].replace(b"\\\\u0000", b"")


@given(card_numbers())
def test_an_alert_with_a_card_number_is_refused_or_redacted(number: str) -> None:
    for hostile in (
        replace(ALERT, transaction=make_transaction(merchant_id=number)),
        replace(ALERT, config=number),
        replace(ALERT, trace_id=number),
        replace(ALERT, findings=(replace(FINDING, detector=number),)),
        replace(ALERT, findings=(replace(FINDING, model=number),)),
    ):
        with pytest.raises(InvalidRecordError, match="Card number where none is allowed") as said:
            alert_row(encode(hostile), 0)
        assert number not in str(said.value)
    told = replace(FINDING, reason=f"of {number}", counterfactual=f"no {number}")
    assert (
        number.encode() not in repr(alert_row(encode(replace(ALERT, findings=(told,))), 0)).encode()
    )


def test_fields_that_the_contract_does_not_know_are_not_kept() -> None:
    value = encode(ALERT)[:-1] + b',"note":"of somebody else"}'
    assert b"somebody" not in by_name("alerts", alert_row(value, 0))["alert"]


@pytest.mark.parametrize(
    ("value", "row", "words"),
    [
        (b"{}", transaction_row, "missing"),
        (None, transaction_row, "empty record"),
        (encode(replace(ALERT, alert_id="4")), alert_row, r"Expected a UUID - at `\$.alert_id`"),
        (encode(replace(ALERT, generation=2**63)), alert_row, r"at `\$.generation`"),
        (encode(replace(FEEDBACK, alert_id="4")), feedback_row, r"at `\$.alert_id`"),
        (encode(replace(STATS, name="n" * 129)), stats_row, r"128 characters - at `\$.name`"),
        (encode(replace(STATS, count=2**63)), stats_row, r"at `\$.count`"),
        (encode(replace(STATS, sum_minor=-(10**31))), stats_row, r"at `\$.sum_minor`"),
    ],
)
def test_what_a_column_cannot_hold_is_refused_with_its_field(
    value: bytes | None, row: Any, words: str
) -> None:
    with pytest.raises((InvalidRecordError, msgspec.ValidationError), match=words):
        row(value, 0)
