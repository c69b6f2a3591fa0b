"""Mapping files: shipped ones by name, others by path."""

import math
import re
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Final, get_args

import msgspec
import yaml

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.privacy import is_card_number, redact_card_numbers
from cardwatch_contracts.transaction import Transaction, check_transaction
from cardwatch_generator.mapping import Mapping, Source, TextSource, TransactionIdSource

MAX_FILE_BYTES: Final = 256 * 1024

_PLACEHOLDERS: Final[dict[str, Any]] = {
    "transaction_id": "t",
    "event_time": 0,
    "user_id": "u",
    "card_id": "c",
    "bank_id": "b",
    "payment_system": "p",
    "amount_minor": 1,
    "currency": "EUR",
    "merchant_id": "m",
    "merchant_category": "m",
    "country": "DE",
    "city": "",
    "latitude": 0.0,
    "longitude": 0.0,
    "pin_used": True,
    "channel": "chip",
}


class InvalidMappingError(ValueError):
    """A mapping that cannot be used: names the field, what is wrong and what is allowed."""


def shipped_mappings() -> tuple[str, ...]:
    """Return the names of the mappings that come with Cardwatch."""
    folder = resources.files("cardwatch_generator") / "mappings"
    return tuple(
        sorted(
            entry.name.removesuffix(".yaml")
            for entry in folder.iterdir()
            if entry.name.endswith(".yaml")
        )
    )


def load_mapping(name_or_path: str) -> Mapping:
    """Read a shipped mapping by its name, or any other by the path of its file.

    Raises:
        InvalidMappingError: there is no such mapping, or it is not valid.
    """
    if name_or_path in shipped_mappings():
        folder = resources.files("cardwatch_generator") / "mappings"
        return parse_mapping((folder / f"{name_or_path}.yaml").read_text("utf-8"))
    path = Path(name_or_path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidMappingError(f"{path}: larger than {MAX_FILE_BYTES:,} bytes")
        text = path.read_text("utf-8")
    except FileNotFoundError:
        names = ", ".join(f"`{name}`" for name in shipped_mappings())
        raise InvalidMappingError(
            f"no mapping `{name_or_path}`: allowed are {names}, or the path of a YAML file"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InvalidMappingError(f"{path}: cannot be read: {reason}") from None
    try:
        return parse_mapping(text)
    except InvalidMappingError as error:
        raise InvalidMappingError(f"{path}: {error}") from None


def parse_mapping(text: str) -> Mapping:
    """Read and check a mapping.

    Raises:
        InvalidMappingError: with the field, what was wrong there and what is allowed.
    """
    try:
        tree = yaml.load(text, Loader=_TextLoader)
    except yaml.YAMLError as error:
        raise InvalidMappingError(_describe_yaml_error(error)) from None
    except RecursionError:
        raise InvalidMappingError("nested too deeply") from None
    try:
        mapping = msgspec.convert(tree, Mapping, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidMappingError(_explain(str(error))) from None
    _check_constants(mapping)
    _check_card_number_columns(mapping)
    return mapping


class _TextLoader(yaml.BaseLoader):
    """Leaves every scalar a text: `NO` is Norway, `007` keeps its zeros, `true` may be a key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key.value, str) or key.value in seen:
                problem = "a key that is no text"
                if isinstance(key.value, str):
                    problem = f"key `{redact_card_numbers(key.value)}` is given twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _describe_yaml_error(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: not readable as YAML: {error.problem}"
    return "not readable as YAML"


def _explain(message: str) -> str:
    """Add the allowed names to msgspec's word about an unknown or a missing field."""
    message = redact_card_numbers(message)
    if "unknown field" not in message and "missing required field" not in message:
        return message
    path = re.findall(r"\.(\w+)", message.rpartition("`$")[2]) if "`$" in message else []
    struct: Any = Mapping
    for step in path:
        struct = _struct_of(
            next(f.type for f in msgspec.structs.fields(struct) if f.encode_name == step)
        )
    allowed = ", ".join(field.encode_name for field in msgspec.structs.fields(struct))
    return f"{message}; allowed: {allowed}"


def _struct_of(annotation: Any) -> Any:
    """Return the struct of `Struct` or `Struct | None`."""
    if isinstance(annotation, UnionType):
        return get_args(annotation)[0]
    return annotation


def _check_constants(mapping: Mapping) -> None:
    """Refuse a constant or default that no transaction could carry."""
    for name, source in mapping.sources.items():
        for kind in ("constant", "default"):
            value = getattr(source, kind, None)
            if value is not None:
                _check_value(name, kind, value)
        for value in (getattr(source, "values", None) or {}).values():
            prefix = source.prefix if isinstance(source, TextSource) else ""
            _check_value(name, "values", prefix + value)


def _check_value(name: str, kind: str, value: object) -> None:
    where = f"{name}.{kind}"
    if is_card_number(str(value)) or redact_card_numbers(str(value)) != str(value):
        raise InvalidMappingError(f"a card number - at `$.fields.{where}`; allowed: a token")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidMappingError(f"not a finite number - at `$.fields.{where}`")
    try:
        check_transaction(msgspec.convert({**_PLACEHOLDERS, name: value}, Transaction))
    except (msgspec.ValidationError, InvalidRecordError) as error:
        problem = str(error).partition(" - at ")[0]
        raise InvalidMappingError(f"{problem} - at `$.fields.{where}`") from None


def _check_card_number_columns(mapping: Mapping) -> None:
    """Refuse a mapping that would do more with a card number than make a token of it."""
    for name, source in mapping.sources.items():
        if source.column in mapping.card_number_columns and not _takes_tokens(source):
            raise InvalidMappingError(
                f"`{name}` cannot be read from a column of card numbers; allowed there: "
                "text fields with `column` and, if wanted, `prefix`"
            )


def _takes_tokens(source: Source) -> bool:
    if isinstance(source, TransactionIdSource):
        return True
    return isinstance(source, TextSource) and not (source.values or source.lower or source.default)
