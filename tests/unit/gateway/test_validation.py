import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.card_numbers import card_numbers, in_groups
from tests.unit.transactions import NOON_MS, encoded_transaction

from cardwatch_contracts.card_numbers import holds_card_number, without_card_numbers
from cardwatch_gateway.problems import ProblemError
from cardwatch_gateway.validation import read_transactions

_CARD = "4111111111111111"


def body(**changes: Any) -> bytes:
    return json.dumps({**json.loads(encoded_transaction()), **changes}).encode()


def problem_of(sent: bytes) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        read_transactions(sent, max_batch=3, now_ms=NOON_MS)
    return caught.value


def test_one_and_many_are_read() -> None:
    one, is_batch = read_transactions(body(), max_batch=3, now_ms=NOON_MS)
    assert (one[0].transaction_id, is_batch) == ("txn-1", False)
    many, is_batch = read_transactions(
        b" [" + body() + b"," + body(transaction_id="b") + b"]", max_batch=3, now_ms=NOON_MS
    )
    assert ([txn.transaction_id for txn in many], is_batch) == (["txn-1", "b"], True)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"amount_minor": "1"}, "amount_minor", "Expected `int`"),
        ({"amount_minor": 1.5}, "amount_minor", "Expected `int`"),
        ({"amount_minor": 10**40}, "amount_minor", "Expected `int`"),
        ({"latitude": 91}, "latitude", "<= 90"),
        ({"currency": "eur"}, "currency", "ISO 4217"),
        ({"channel": "fax"}, "channel", "one of `chip`"),
        ({"event_time": NOON_MS + 300_001}, "event_time", "5 minutes"),
        ({"reply_to": "me"}, "reply_to", "gateway"),
        ({"traceparent": "x"}, "traceparent", "W3C"),
        ({"label": "x" * 129}, "label", "128"),
        ({"amount": 3}, "amount", "Unknown field; allowed: transaction_id, event_time"),
        ({"card_id": _CARD}, "card_id", "Card number"),
        ({"merchant_id": quote("4111 1111 1111 1111")}, "merchant_id", "Card number"),
        ({"user_id": base64.b64encode(_CARD.encode()).decode()}, "user_id", "Card number"),
        ({"city": f"Berlin {_CARD}"}, "city", "Card number"),
        ({"label": f"note {_CARD}"}, "label", "card number"),
    ],
)
def test_what_breaks_the_contract_is_named(changes: dict[str, Any], field: str, says: str) -> None:
    problem = problem_of(b"[" + body(transaction_id="other") + b"," + body(**changes) + b"]")
    assert problem.status == 422
    (error,) = problem.errors
    assert (error.index, error.field) == (1, field)
    assert says in error.detail
    assert problem_of(body(**changes)).errors[0].index is None


@pytest.mark.parametrize(
    "sent",
    [
        body().replace(b"52.52", b"NaN"),
        body().replace(b"52.52", b"Infinity"),
        body().replace(b"52.52", b"1e999"),
        b"{",
        b"\xff",
        b"",
        b"null",
        b'"x"',
        b"[]",
        b"[1]",
        b"[" * 20_000,
        b'[{"a":' * 20_000,
        body().replace(b'"Berlin"', b'"\\ud800"'),
        b"[" + b",".join([body()] * 4) + b"]",
        b"[" + b",".join([body()] * 2) + b"]",
    ],
)
def test_what_is_no_request_is_the_client_s_fault(sent: bytes) -> None:
    assert 400 <= problem_of(sent).status < 500


def test_all_that_is_wrong_in_a_batch_is_told_at_once() -> None:
    problem = problem_of(b"[" + body(city=1) + b"," + body() + b"," + body(country="de") + b"]")
    assert [(error.index, error.field) for error in problem.errors] == [(0, "city"), (2, "country")]


def test_the_name_of_an_unknown_field_is_told_only_where_it_is_harmless() -> None:
    for name in (_CARD, base64.b64encode(_CARD.encode()).decode(), "a`b", "x" * 41, "N4"):
        problem = problem_of(body(**{name: 1}))
        assert problem.errors[0].field is None
        assert name not in problem.body().decode()


@given(number=card_numbers(), data=st.data())
def test_a_card_number_is_neither_taken_nor_told(number: str, data: st.DataObject) -> None:
    written = data.draw(
        st.sampled_from(
            [
                number,
                in_groups(number, " "),
                in_groups(number, "-"),
                quote(in_groups(number, " ")),
                "".join(f"%{ord(digit):x}" for digit in number),
                base64.b64encode(number.encode()).decode(),
                base64.urlsafe_b64encode(in_groups(number, " ").encode()).decode().rstrip("="),
            ]
        )
    )
    names = [*json.loads(encoded_transaction()), "label", "traceparent", "reply_to", written]
    problem = problem_of(body(**{data.draw(st.sampled_from(names)): written}))
    said = problem.body().decode()
    assert number not in said
    assert written not in said


@given(st.binary(max_size=400))
def test_no_bytes_are_an_error_of_ours(sent: bytes) -> None:
    assert 400 <= problem_of(sent).status < 500


def test_what_people_write_is_freed_of_card_numbers() -> None:
    encoded = base64.b64encode(_CARD.encode()).decode()
    assert without_card_numbers(f"call {encoded} now") == "call [card number redacted] now"
    assert without_card_numbers(f"a {_CARD}, b") == "a [card number redacted], b"
    assert without_card_numbers("nothing 12345") == "nothing 12345"
    assert not holds_card_number("MNO" * 8)
