import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.card_numbers import card_numbers, in_groups
from tests.unit.transactions import encoded_transaction, make_transaction

from cardwatch_contracts.codec import MAX_RECORD_BYTES, InvalidRecordError, encode
from cardwatch_contracts.transaction import MAX_AMOUNT_MINOR, decode_transaction

_CANARY = "5105105105105100"
_FIELDS = json.loads(encoded_transaction())
_TEXT_FIELDS = [name for name, value in _FIELDS.items() if isinstance(value, str)]
_CODES = ("currency", "country", "channel")  # too short or too narrow for a card number


def _with(**changes: Any) -> bytes:
    return json.dumps(_FIELDS | changes).encode()


def _refusal(value: bytes | None) -> str:
    with pytest.raises(InvalidRecordError) as refused:
        decode_transaction(value)
    return str(refused.value)


def test_what_was_encoded_is_decoded() -> None:
    txn = make_transaction(card_limit_minor=50_000, label="amount_spike", amount_minor=-1)

    assert decode_transaction(encode(txn)) == txn


def test_an_unknown_field_is_ignored() -> None:
    assert decode_transaction(_with(loyalty_points=7)) == make_transaction()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty record"),
        (b"", "empty record"),
        (b"   ", "not JSON"),
        (b"{", "not JSON"),
        (b'{"transaction_id": "txn-1"', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"transaction_id": "\xff"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"NaN", "not JSON"),
        (b"null", "Expected `object`, got `null`"),
        (b"[]", "Expected `object`, got `array`"),
        (b'"text"', "Expected `object`, got `str`"),
        (b"{}", "missing required field `transaction_id`"),
        (b'{"a":' * 10_000, "nested too deeply"),
    ],
)
def test_what_is_no_transaction_is_refused_with_the_reason(
    value: bytes | None, reason: str
) -> None:
    assert reason in _refusal(value)


def test_a_record_that_is_too_long_is_refused_with_its_length_and_the_longest() -> None:
    assert decode_transaction(encoded_transaction() + b" " * 1000) == make_transaction()

    refusal = _refusal(b"x" * (5 * 1024 * 1024))

    assert refusal == f"record of 5,242,880 bytes: at most {MAX_RECORD_BYTES:,} are allowed"


@pytest.mark.parametrize("field", _FIELDS)
def test_every_field_is_required(field: str) -> None:
    without = json.dumps({name: value for name, value in _FIELDS.items() if name != field})

    assert _refusal(without.encode()) == f"Object missing required field `{field}`"


@pytest.mark.parametrize("field", _FIELDS)
@pytest.mark.parametrize("value", [None, [], {}])
def test_a_field_of_the_wrong_type_is_named(field: str, value: object) -> None:
    assert _refusal(_with(**{field: value})).endswith(f"- at `$.{field}`")


@pytest.mark.parametrize(
    "number",
    [
        *("NaN", "Infinity", "-Infinity", "1e308", "1e400", "-0.0", "0.5", "100.0"),
        *("9" * 40, "1" + "0" * 5_000, "01", "0x10", "1_000"),
    ],
)
def test_an_amount_that_is_no_whole_number_in_range_is_refused(number: str) -> None:
    _refusal(
        _with(amount_minor=0).replace(b'"amount_minor": 0', f'"amount_minor": {number}'.encode())
    )


@pytest.mark.parametrize(
    ("field", "lowest", "highest", "step"),
    [
        ("amount_minor", -MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR, 1),
        ("card_limit_minor", 1, MAX_AMOUNT_MINOR, 1),
        ("event_time", 0, 4_102_444_799_999, 1),
        ("latitude", -90.0, 90.0, 1e-9),
        ("longitude", -180.0, 180.0, 1e-9),
    ],
)
def test_a_number_is_taken_up_to_its_bounds_and_no_further(
    field: str, lowest: float, highest: float, step: float
) -> None:
    for allowed in (lowest, highest):
        assert getattr(decode_transaction(_with(**{field: allowed})), field) == allowed
    for refused in (lowest - step, highest + step):
        assert f"- at `$.{field}`" in _refusal(_with(**{field: refused}))


@pytest.mark.parametrize(
    "code",
    ["eur", "Eur", "EURO", "EU", "E R", "E1R", "ÄÖÜ", "\N{FULLWIDTH LATIN CAPITAL LETTER E}UR", ""],
)
def test_a_currency_that_is_no_code_in_capital_letters_is_refused(code: str) -> None:
    assert "- at `$.currency`" in _refusal(_with(currency=code))


@pytest.mark.parametrize("code", ["de", "DEU", "D", "D1", "ÄÖ", ""])
def test_a_country_that_is_no_code_in_capital_letters_is_refused(code: str) -> None:
    assert "- at `$.country`" in _refusal(_with(country=code))


def test_an_unknown_channel_is_refused_with_the_known_ones() -> None:
    assert _refusal(_with(channel="pigeon")) == (
        "Expected one of `chip`, `contactless`, `magstripe`, `online`, `atm` - at `$.channel`"
    )


@pytest.mark.parametrize("field", [*(f for f in _TEXT_FIELDS if f not in _CODES), "label"])
@pytest.mark.parametrize(
    "number", [_CANARY, in_groups(_CANARY, " "), in_groups(_CANARY, "-"), in_groups(_CANARY, ".")]
)
def test_a_card_number_in_any_field_is_refused(field: str, number: str) -> None:
    refusal = _refusal(_with(**{field: number}))

    assert refusal == f"Card number where none is allowed - at `$.{field}`"


@given(card_numbers())
def test_every_card_number_is_refused_as_a_card_id(number: str) -> None:
    _refusal(_with(card_id=number))


@pytest.mark.parametrize("field", [*_FIELDS, "card_limit_minor", "label", "traceparent"])
@pytest.mark.parametrize("value", [_CANARY, [_CANARY], {_CANARY: _CANARY}, _CANARY * 100])
def test_no_refusal_repeats_a_value(field: str, value: object) -> None:
    try:
        decode_transaction(_with(**{field: value}))
    except InvalidRecordError as refused:
        assert _CANARY not in str(refused)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode()))
def test_bytes_of_any_kind_are_refused_and_nothing_else_happens(value: bytes) -> None:
    _refusal(value)


@given(st.sampled_from([*_FIELDS, "card_limit_minor", "label"]), _json)
def test_a_value_of_any_kind_is_taken_or_refused_and_nothing_else_happens(
    field: str, value: object
) -> None:
    try:
        txn = decode_transaction(_with(**{field: value}))
    except InvalidRecordError:
        return
    assert getattr(txn, field) == value
