"""What is said about a record that breaks its contract: what is allowed, never what was there."""

import re
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import msgspec

_WRONG_VALUE = re.compile(r"Invalid (?:enum )?value .*?(?: - at `\$([^`]*)`)?", re.DOTALL)
_UNKNOWN_FIELD: Final = "Object contains unknown field"


def explain(message: str, record_type: Any) -> str:
    """Turn msgspec's message into Cardwatch's.

    Values are taken out of it, because a card number could be among them; the allowed values and
    the allowed names of fields are put in.
    """
    wrong_value = _WRONG_VALUE.fullmatch(message)
    if wrong_value is not None:
        path = wrong_value[1] or ""
        return f"Expected {_allowed_at(record_type, path)} - at `${path}`"
    if message.startswith(_UNKNOWN_FIELD):
        path = message.rpartition("`$")[2].rstrip("`") if "`$" in message else ""
        return f"{message}; allowed: {', '.join(_fields(_type_at(record_type, path)))}"
    return message


def _allowed_at(record_type: Any, path: str) -> str:
    allowed = _type_at(record_type, path)
    if get_origin(allowed) is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in get_args(allowed))
    return "another value"


def _type_at(record_type: Any, path: str) -> Any:
    """Return the type at a path such as `.spec.detectors.amountSpike.mode`."""
    for step in path.split(".")[1:]:
        record_type = _without_none(_fields(record_type).get(step))
    return record_type


def _without_none(kind: Any) -> Any:
    """Return what a field that may be left out is otherwise."""
    if get_origin(kind) in (Union, UnionType):
        (kind, *others) = (each for each in get_args(kind) if each is not NoneType)
        return None if others else kind
    return kind


def _fields(struct: Any) -> dict[str, Any]:
    """Return the types of a struct's fields by their names in JSON, and its tag."""
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
        return {}
    config = struct.__struct_config__
    tag = {config.tag_field: Literal[config.tag]} if config.tag_field else {}
    return tag | {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
