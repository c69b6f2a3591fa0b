"""The reference page of DetectorConfig: `python -m cardwatch_operator.reference`. Pure.

Fields, ranges and defaults are those of the CustomResourceDefinition; only what stands around them
is written here.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

from cardwatch_operator.crd import detector_config_crd
from cardwatch_operator.reference_text import AROUND, CONDITIONS, INTRODUCTION, REASONS, VERSIONS

_ADDED: Final = re.compile(r" ?(?:Allowed|Default): .*$")
"""What a description of the CRD ends with, which has columns of its own here."""
_NOTHING: Final = "–"
_REQUIRED: Final = object()
"""Stands for the default of a field that has none and is to be given."""


def reference_page(crd: Mapping[str, Any]) -> str:
    """Return the Markdown page of a CustomResourceDefinition that has one version."""
    (version,) = crd["spec"]["versions"]  # with a second one, `VERSIONS` is to be written anew
    schema = version["schema"]["openAPIV3Schema"]
    columns = version["additionalPrinterColumns"]
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    introduction = INTRODUCTION.format(
        name_rule=" ".join(map(_sentence, _messages(schema))),
        columns=_listed(each["name"] for each in columns if not each.get("priority")),
        wide_columns=_listed(each["name"] for each in columns if each.get("priority")),
    )
    parts = [introduction]
    for name, field in spec["properties"].items():
        parts.extend(_field_section(name, field))
    parts.extend(["## status", status["description"], _status_table(status["properties"])])
    parts.extend(["## Conditions", CONDITIONS, _reasons_table()])
    parts.append("## Versions")
    parts.append(
        VERSIONS.format(
            version=version["name"],
            plural=crd["spec"]["names"]["plural"],
            group=crd["spec"]["group"],
        )
    )
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _field_section(name: str, field: Mapping[str, Any]) -> list[str]:
    """Return what is said of one field of `spec`: itself, or the fields below it."""
    parts = [f"## spec.{name}"]
    below = field.get("properties")
    if below is None:
        return [*parts, _spec_table({name: field}), AROUND.get(name, "")]
    parts += [field["description"], AROUND.get(name, "")]
    plain = {title: each for title, each in below.items() if "properties" not in each}
    if plain:
        parts.append(_struct_table({**field, "properties": plain}))
    for title, struct in below.items():
        if "properties" in struct:
            parts += [f"### {title}", struct["description"], _struct_table(struct)]
    return parts


def _struct_table(struct: Mapping[str, Any]) -> str:
    """Return the fields of a struct, and what it asks of them together."""
    rules = " ".join(map(_sentence, _messages(struct)))
    required = struct.get("required", ())
    fields = {
        name: {**field, "default": _REQUIRED} if name in required else field
        for name, field in struct["properties"].items()
    }
    return "\n\n".join(filter(None, (_spec_table(fields), rules)))


def _spec_table(fields: Mapping[str, Mapping[str, Any]]) -> str:
    return _table(
        ("field", "type", "allowed", "default", "meaning"),
        (
            (f"`{name}`", _type(field), _allowed(field), _default(field), _meaning(field))
            for name, field in fields.items()
        ),
    )


def _status_table(fields: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, field in fields.items():
        rows.append((f"`{name}`", _type(field), _meaning(field)))
        below = field.get("items", {}).get("properties", {})
        rows += [
            (f"`{name}[].{inner}`", _type(each), _meaning(each)) for inner, each in below.items()
        ]
    return _table(("field", "type", "meaning"), rows)


def _reasons_table() -> str:
    return _table(
        ("condition", "status", "reason", "what it means", "what to do"),
        (
            (f"`{condition}`", status, f"`{reason}`", meaning, advice)
            for condition, status, reason, meaning, advice in REASONS
        ),
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _type(field: Mapping[str, Any]) -> str:
    if field["type"] == "array":
        return f"list of {_type(field['items'])}s"
    return "time" if field.get("format") == "date-time" else str(field["type"])


def _allowed(field: Mapping[str, Any]) -> str:
    """Return which values a field takes."""
    said = []
    if "enum" in field:
        said.append(", ".join(f"`{value}`" for value in field["enum"]))
    if "maxItems" in field:
        said.append(f"up to {field['maxItems']}, each once")
        said.append(_allowed(field["items"]))
    if "minimum" in field or "maximum" in field:
        above = "above " if field.get("exclusiveMinimum") else ""
        below = "below " if field.get("exclusiveMaximum") else ""
        said.append(f"{above}{field['minimum']} to {below}{field['maximum']}")
    if "minLength" in field:
        said.append(f"{field['minLength']} to {field['maxLength']} characters")
    said.extend(_messages(field))
    return "; ".join(said) or _NOTHING


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default is None:
        return _NOTHING
    if default is _REQUIRED:
        return "to be given"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _meaning(field: Mapping[str, Any]) -> str:
    return _ADDED.sub("", field["description"])


def _messages(schema: Mapping[str, Any]) -> list[str]:
    """Return what the schema's rules say to who breaks them."""
    return [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _listed(names: Iterable[str]) -> str:
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def main() -> None:
    """Print the page."""
    sys.stdout.write(reference_page(detector_config_crd()))


if __name__ == "__main__":
    main()
