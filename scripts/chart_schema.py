"""What a values.schema.json says of a value, in words for a table. Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
_NAMES: Final = {dict: "object", list: "list", bool: "boolean", int: "integer", float: "number"}


class ChartSchema:
    """A values.schema.json."""

    def __init__(self, document: Schema) -> None:
        self._document = document

    def at(self, path: tuple[str, ...]) -> Schema:
        """Return what is said of a value; nothing of one that belongs to another chart."""
        schema = self._resolved(self._document)
        for key in path:
            schema = self._resolved(schema.get("properties", {}).get(key, {}))
        return schema

    def _resolved(self, schema: Schema) -> Schema:
        """Return a schema without references to definitions, and with all of `allOf` in it."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._resolved(self._document["definitions"][name])
        found = dict(schema)
        for part in found.pop("allOf", ()):
            found = _merged(found, self._resolved(part))
        if "items" in found:
            found["items"] = self._resolved(found["items"])
        return found


def type_name(schema: Schema, default: Any) -> str:
    """Return a value's type, from its default where the schema has none."""
    named = _first(schema).get("type")
    if isinstance(named, str):
        return {"array": "list"}.get(named, named)
    return _NAMES.get(type(default), "string")


def allowed_values(schema: Schema) -> str:
    """Return which values a schema takes; empty where its type says it all."""
    schema = _first(schema)
    said = []
    if "enum" in schema:
        said.append(", ".join(f"`{_plain(value)}`" for value in schema["enum"]))
    else:
        said.append(_range(schema))
    if "pattern" in schema:
        said.append(f"matches `{schema['pattern']}`")
    if schema.get("minLength"):
        said.append("not empty")
    if schema.get("minItems"):
        said.append(f"at least {schema['minItems']}")
    inner = allowed_values(schema["items"]) if "items" in schema else ""
    if inner:
        said.append(f"each {inner}")
    return "; ".join(part for part in said if part)


def _range(schema: Schema) -> str:
    low, above, high = (schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    start = f"above {above}" if above is not None else "" if low is None else str(low)
    if high is None:
        return start if above is not None or not start else f"at least {start}"
    return f"{start} to {high}" if start else f"at most {high}"


def _first(schema: Schema) -> Schema:
    """Return the form that files use, where another is for `--set`, which makes strings."""
    first: Schema = schema["anyOf"][0] if "anyOf" in schema else schema
    return first


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _merged(one: Schema, other: Schema) -> dict[str, Any]:
    both = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], Mapping) and isinstance(other[key], Mapping):
            both[key] = _merged(one[key], other[key])
    return both
