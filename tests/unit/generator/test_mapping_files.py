from pathlib import Path
from typing import Any

import pytest
import yaml

from cardwatch_generator.mapping_file import (
    InvalidMappingError,
    load_mapping,
    parse_mapping,
    shipped_mappings,
)

FIELDS: dict[str, Any] = {
    "transaction_id": {"column": "id"},
    "event_time": {"column": "at", "read": "epoch_ms"},
    "user_id": {"column": "user"},
    "card_id": {"column": "card"},
    "bank_id": {"constant": "bank-a"},
    "payment_system": {"constant": "visa"},
    "amount_minor": {"column": "amount", "unit": "major", "scale": "2"},
    "currency": {"constant": "EUR"},
    "merchant_id": {"column": "shop"},
    "merchant_category": {"constant": "food"},
    "country": {"constant": "DE"},
    "city": {"constant": ""},
    "latitude": {"constant": "52.5"},
    "longitude": {"constant": "13.4"},
    "pin_used": {"column": "pin", "true": ["Y"], "false": ["N"]},
    "channel": {"constant": "chip"},
}


def problem_with(name: str, source: object, **top: object) -> str:
    fields = FIELDS | {name: source}
    with pytest.raises(InvalidMappingError) as error:
        parse_mapping(yaml.safe_dump({"fields": fields} | top))
    return str(error.value)


@pytest.mark.parametrize("name", ["handbook", "sparkov"])
def test_shipped_mappings_are_valid_and_found_by_name(name: str) -> None:
    assert name in shipped_mappings()
    assert load_mapping(name).description


def test_a_mapping_is_found_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"fields": FIELDS}))
    assert load_mapping(str(path)).columns["merchant_id"] == "shop"


def test_a_mapping_that_is_nowhere_lists_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidMappingError, match="allowed are `handbook`, `sparkov`, or the path"):
        load_mapping(str(tmp_path / "none.yaml"))


def test_an_error_in_a_file_begins_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("fields: {")
    with pytest.raises(InvalidMappingError, match=r"mine\.yaml: line 1: not readable as YAML"):
        load_mapping(str(path))


def test_a_folder_is_no_mapping(tmp_path: Path) -> None:
    with pytest.raises(InvalidMappingError, match="cannot be read"):
        load_mapping(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        (
            "city",
            {"colum": "x"},
            ["unknown field `colum`", "fields.city", "allowed: column"],
        ),
        ("city", {"column": "x", "constant": "y"}, ["either `column` or `constant`", "city"]),
        ("city", {}, ["either `column` or `constant`, got none of them", "fields.city"]),
        ("citty", {"constant": "x"}, ["unknown field `citty`", "allowed: transaction_id"]),
        ("transaction_id", {"column": "a", "row_number": True}, ["`column` or `row_number`"]),
        ("amount_minor", {"column": "a"}, ["`unit: major` or `unit: minor`", "amount_minor"]),
        ("amount_minor", {"column": "a", "unit": "major"}, ["`scale` together", "amount_minor"]),
        ("amount_minor", {"column": "a", "unit": "major", "scale": 9}, ["<= 6", "scale"]),
        ("event_time", {"column": "a", "read": "epoch"}, ["Invalid enum value", "event_time.read"]),
        ("event_time", {"column": "a", "read": "format"}, ["`format` together", "event_time"]),
        ("event_time", {"column": "a", "read": "epoch_s", "zone": "UTC"}, ["no `zone`"]),
        ("event_time", {"column": "a", "read": "iso8601", "zone": "Mars/X"}, ["IANA `zone`"]),
        ("event_time", {"column": "a", "read": "format", "format": "%Y-%m-%d %H:%M"}, ["`%z`"]),
        (
            "event_time",
            {"column": "a", "read": "format", "format": "%d.%m.%Y", "zone": "UTC"},
            ["hour"],
        ),
        ("event_time", {"constant": "1"}, ["unknown field `constant`", "allowed: column, read"]),
        ("pin_used", {"column": "a"}, ["`true` and `false`", "pin_used"]),
        ("pin_used", {"column": "a", "true": ["1"], "false": ["1"]}, ["no cell in both"]),
        ("currency", {"constant": "eur"}, ["ISO 4217", "fields.currency.constant"]),
        (
            "currency",
            {"column": "a", "values": {"978": "Euro"}},
            ["length <= 3", "currency.val"],
        ),
        ("country", {"column": "a", "default": "D"}, ["length >= 2", "fields.country.default"]),
        ("latitude", {"constant": "91"}, ["<= 90", "fields.latitude.constant"]),
        ("latitude", {"constant": "nan"}, ["fields.latitude.constant"]),
        ("channel", {"constant": "pigeon"}, ["Invalid enum value", "fields.channel.constant"]),
        ("card_limit_minor", {"constant": "0"}, [">= 1", "card_limit_minor.constant"]),
    ],
)
def test_a_mistake_names_the_field_and_what_is_allowed(
    name: str, source: object, words: list[str]
) -> None:
    message = problem_with(name, source)
    for word in words:
        assert word in message


def test_a_missing_field_is_named() -> None:
    fields = {name: source for name, source in FIELDS.items() if name != "city"}
    with pytest.raises(InvalidMappingError, match="missing required field `city`"):
        parse_mapping(yaml.safe_dump({"fields": fields}))


def test_an_unknown_key_at_the_top_is_named() -> None:
    message = problem_with("city", {"constant": "x"}, seperator=";")
    assert "unknown field `seperator`" in message
    assert "allowed: description, delimiter, card_number_columns, fields, label" in message


def test_a_key_that_is_given_twice_is_an_error() -> None:
    with pytest.raises(InvalidMappingError, match=r"line 3: .*key `city` is given twice"):
        parse_mapping("fields:\n  city: {constant: a}\n  city: {constant: b}\n")


@pytest.mark.parametrize("text", ["", "just text", "[1, 2]", "? {a: b}\n: c", "&a [*a]"])
def test_yaml_that_is_no_mapping_is_an_error(text: str) -> None:
    with pytest.raises(InvalidMappingError):
        parse_mapping(text)


def test_norway_and_leading_zeros_stay_as_they_are_written() -> None:
    text = yaml.safe_dump({"fields": FIELDS | {"country": {"constant": "XX"}}})
    mapping = parse_mapping(text.replace("constant: XX", "constant: NO"))
    assert mapping.fields.country.constant == "NO"
    mapping = parse_mapping(text.replace("constant: bank-a", "constant: 007"))
    assert mapping.fields.bank_id.constant == "007"


def test_a_card_number_in_a_mapping_is_refused_and_not_repeated() -> None:
    for message in (
        problem_with("city", {"constant": "4111 1111 1111 1111"}),
        problem_with("city", {"4111111111111111": "x"}),
    ):
        assert "1111" not in message


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("amount_minor", {"column": "pan", "unit": "minor"}),
        ("event_time", {"column": "pan", "read": "epoch_s"}),
        ("city", {"column": "pan", "lower": "true"}),
        ("city", {"column": "pan", "values": {"a": "b"}}),
        ("latitude", {"column": "pan"}),
    ],
)
def test_only_plain_text_fields_take_tokens(name: str, source: object) -> None:
    message = problem_with(name, source, card_number_columns=["pan"])
    assert f"`{name}` cannot be read from a column of card numbers" in message
