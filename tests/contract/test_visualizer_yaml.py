"""What the page of detectors writes is what the kind's definition and the operator take."""

import json
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped] # it says nothing of its types
import pytest
import yaml
from hypothesis import given, settings
from tests.unit.visualizer.forms import forms

from cardwatch_contracts.detector_config import (
    DEFAULT_CONFIG,
    ConfigRecord,
    DetectorConfigSpec,
    Origin,
    Selector,
)
from cardwatch_operator.crd import GROUP, VERSION, detector_config_crd
from cardwatch_visualizer.pages.detectors_fields import LISTS, VALUES
from cardwatch_visualizer.pages.detectors_form import yaml_of

(_VERSION,) = detector_config_crd()["spec"]["versions"]
SCHEMA: Final[dict[str, Any]] = _VERSION["schema"]["openAPIV3Schema"]
RECORD: Final = ConfigRecord(
    name="strict",
    generation=3,
    created_at=0,
    spec=DetectorConfigSpec(selector=Selector(bank_ids=("A",), currencies=("EUR",))),
    origin=Origin(namespace="cards", uid="u", revision=3),
)


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """As `kubectl apply` validates: a field that is not known is refused."""
    made = {
        key: value
        for key, value in schema.items()
        if key not in ("exclusiveMinimum", "exclusiveMaximum") and not key.startswith("x-")
    }
    # OpenAPI 3.0 has a flag where JSON Schema has the bound itself.
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if schema.get(exclusive):
            made[exclusive] = made.pop(bound)
    if "properties" in schema:
        made["properties"] = {key: closed(each) for key, each in schema["properties"].items()}
        made["additionalProperties"] = False
    if "items" in schema:
        made["items"] = closed(schema["items"])
    return made


def validated(text: str) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(text)
    assert manifest["apiVersion"] == f"{GROUP}/{VERSION}"
    assert manifest.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert manifest["metadata"].keys() <= {"name", "namespace"}
    jsonschema.Draft202012Validator(closed(SCHEMA["properties"]["spec"])).validate(manifest["spec"])
    return manifest


def form_of(values: dict[tuple[str, str], Any], lists: dict[str, list[str]]) -> list[Any]:
    """As the browser hands it over: JSON."""
    given = [lists.get(each.name, []) for each in LISTS] + [values[key] for key in VALUES]
    made: list[Any] = json.loads(json.dumps(given))
    return made


@settings(max_examples=50)
@given(forms())
def test_whatever_the_form_holds_the_kinds_definition_takes(
    values: dict[tuple[str, str], Any],
) -> None:
    form = form_of(values, {"bank_ids": ["A", "no"], "countries": ["DE"]})
    manifest = validated(yaml_of(RECORD, "strict", form))
    assert manifest["kind"] == "DetectorConfig"
    assert manifest["metadata"] == {"name": "strict", "namespace": "cards"}
    assert manifest["spec"]["selector"] == {"bankIds": ["A", "no"], "countries": ["DE"]}


def test_a_new_config_is_made_from_the_built_in_thresholds() -> None:
    values: dict[tuple[str, str], Any] = dict.fromkeys(VALUES)
    values["amount_spike", "factor"] = 5
    manifest = validated(yaml_of(DEFAULT_CONFIG, "night", form_of(values, {})))
    assert manifest["metadata"] == {"name": "night"}, "where kubectl stands"
    assert manifest["spec"] == {"detectors": {"amountSpike": {"factor": 5.0}}}


def test_the_definition_refuses_what_this_test_relies_on_it_to_refuse() -> None:
    for spec in (
        {"detectors": {"amountSpike": {"factor": 1}}},
        {"detectors": {"amountSpike": {"facto": 2}}},
        {"detectors": {"amountSpike": {"mode": "Loud"}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            validated(yaml.safe_dump({**yaml.safe_load(_EMPTY), "spec": spec}))


_EMPTY: Final = f"apiVersion: {GROUP}/{VERSION}\nkind: DetectorConfig\nmetadata: {{name: a}}\n"
