"""The CustomResourceDefinition, made from the typed spec: `python -m cardwatch_operator.crd`.

Types, ranges and defaults are those of `cardwatch_contracts.detector_config`, descriptions its
docstrings; nothing is said twice.
"""

import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import yaml

from cardwatch_contracts import detector_config
from cardwatch_contracts.detector_config import (
    API_VERSION,
    ARTEFACT_HASH,
    COUNTRY_CODE,
    CURRENCY_CODE,
    DNS_LABEL,
    KIND,
    MODEL_NAME,
    DetectorConfigSpec,
)
from cardwatch_contracts.field_docs import docs_of
from cardwatch_operator.crd_status import STATUS

GROUP, VERSION = API_VERSION.split("/")
PLURAL: Final = "detectorconfigs"
NAME: Final = f"{PLURAL}.{GROUP}"

_IN_WORDS: Final = {
    CURRENCY_CODE: "a currency is three capital letters, such as EUR (ISO 4217)",
    COUNTRY_CODE: "a country is two capital letters, such as DE (ISO 3166-1)",
    DNS_LABEL: "a name is lower-case letters, digits and `-`, with no `-` at its ends",
    MODEL_NAME: (
        "a model's name is lower-case letters, digits, `-` and `.`, with a letter or digit at its "
        "ends"
    ),
    ARTEFACT_HASH: "a hash is 64 hexadecimal digits, in lower case",
}
"""What a pattern asks for. Kubernetes would show the pattern alone."""
_THRESHOLD_RULE: Final = {
    "rule": "!has(self.threshold) || !has(self.alertsPerThousandCards)",
    "message": "`threshold` or `alertsPerThousandCards`, not both",
}
_RULES: Final = {"Challenger": _THRESHOLD_RULE, "Model": _THRESHOLD_RULE}
"""What structs check when they are made, by their names."""
_NAME_RULE: Final = {
    "rule": "self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",
    "message": "the name is to be 63 characters at most, without dots",
}
_JOB_RULE: Final = {
    "rule": "self == oldSelf",
    "message": "a DetectorConfig stays with its job: make another one for the other job",
}


def detector_config_crd() -> dict[str, Any]:
    """Return the whole CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        # Removing a release of the chart must not remove every DetectorConfig.
        "metadata": {"name": NAME, "annotations": {"helm.sh/resource-policy": "keep"}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["dc"],
                "categories": ["cardwatch"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _schema()},
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.parallelism",
                            "statusReplicasPath": ".status.parallelism",
                            "labelSelectorPath": ".status.labelSelector",
                        },
                    },
                    "additionalPrinterColumns": _COLUMNS,
                    "selectableFields": [{"jsonPath": ".spec.jobRef"}],
                }
            ],
        },
    }


def _schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Which thresholds judge which transactions.",
        "x-kubernetes-validations": [_NAME_RULE],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": {**_spec(), "default": {}},
            "status": STATUS,
        },
    }


def _spec() -> dict[str, Any]:
    (reference,), components = msgspec.json.schema_components(
        [DetectorConfigSpec], ref_template="{name}"
    )
    spec = _struct(reference["$ref"], components)
    spec["properties"]["jobRef"]["x-kubernetes-validations"].append(_JOB_RULE)
    return spec


def _struct(name: str, components: Mapping[str, Any]) -> dict[str, Any]:
    """Make a structural schema of a struct, what it refers to put in its place."""
    source = components[name]
    documented = docs_of(getattr(detector_config, name))
    properties = {}
    for field, schema in source["properties"].items():
        made = _property(schema, components)
        text = documented.get(_snake(field)) or made.get("description", "")
        description = " ".join(filter(None, (text, _allowed(made), _default(made))))
        properties[field] = {**made, "description": description}
    struct = {"type": "object", "description": source["description"], "properties": properties}
    if source.get("required"):
        struct["required"] = source["required"]
    if name in _RULES:
        struct["x-kubernetes-validations"] = [dict(_RULES[name])]  # one each: YAML without aliases
    return struct


def _property(schema: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {**_struct(schema["$ref"], components), "default": {}}
    made = dict(schema)
    if "anyOf" in made:  # or null, which Kubernetes drops
        made = next(dict(each) for each in made["anyOf"] if each.get("type") != "null")
        if "$ref" in made:  # a struct that may be absent
            return _struct(made["$ref"], components)
    if made.get("default") in (None, ()):
        made.pop("default", None)
    if "enum" in made:
        made["type"] = "string"
    if made.get("type") == "array":
        made["items"] = _property(made["items"], components)
        made["x-kubernetes-list-type"] = "set"
    if made.get("type") == "integer":
        made["format"] = "int64"
    pattern = made.pop("pattern", None)
    if pattern is not None:
        made["x-kubernetes-validations"] = [
            {"rule": f"self.matches('{_in_cel(pattern)}')", "message": _IN_WORDS[pattern]}
        ]
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if exclusive in made:
            made[bound] = made[exclusive]
            made[exclusive] = True
    return made


def _in_cel(pattern: str) -> str:
    """Return a pattern as Kubernetes reads it, where `$` is the end and nothing else."""
    return pattern.replace(r"\Z", "$")


def _allowed(schema: Mapping[str, Any]) -> str:
    """Return a sentence about the range of a number, or nothing."""
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if lowest is None or highest is None:
        return ""
    above = "above " if schema.get("exclusiveMinimum") else ""
    below = "below " if schema.get("exclusiveMaximum") else ""
    return f"Allowed: {above}{lowest} to {below}{highest}."


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    if not default:
        return ""
    return f"Default: {default:g}." if isinstance(default, float) else f"Default: {default}."


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)


def _column(name: str, path: str, kind: str = "string", priority: int = 0) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path}
    return column | ({"priority": priority} if priority else {})


_COLUMNS: Final = [
    _column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
    _column("Applied", ".status.appliedGeneration", "integer"),
    _column("Subtasks", ".status.subtasks"),
    _column("Parallelism", ".status.parallelism", "integer"),
    _column("Alerts/min", ".status.alertsPerMinute", "integer"),
    _column("Selects", ".status.selects", priority=1),
    _column("Model", ".status.model", priority=1),
    _column("Reason", ".status.conditions[?(@.type=='Ready')].reason", priority=1),
    _column("Age", ".metadata.creationTimestamp", "date"),
]


def main() -> None:
    """Print it as YAML."""
    yaml.safe_dump(detector_config_crd(), sys.stdout, sort_keys=False, width=100)


if __name__ == "__main__":
    main()
