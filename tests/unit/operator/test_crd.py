import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
import yaml

from cardwatch_contracts.detector_config import (
    MAX_PARALLELISM,
    MAX_SELECTED,
    DetectorConfigSpec,
)
from cardwatch_operator.crd import NAME, detector_config_crd, main

CRD = detector_config_crd()
(VERSION,) = CRD["spec"]["versions"]
SCHEMA: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]
SPEC: dict[str, Any] = SCHEMA["properties"]["spec"]
_TYPES = {"object", "array", "string", "number", "integer", "boolean"}


def places(schema: dict[str, Any], path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from places(inner, f"{path}.{name}")
    if "items" in schema:
        yield from places(schema["items"], f"{path}[]")


def fields_of(struct: type[msgspec.Struct], path: str = "$") -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(struct):
        place = f"{path}.{field.encode_name}"
        yield place, field
        for kind in (field.type, *get_args(field.type)):
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                yield from fields_of(kind, place)


FIELDS = dict(fields_of(DetectorConfigSpec))
PLACES = dict(places(SPEC))


def test_it_is_called_what_kubernetes_asks_for() -> None:
    names, group = CRD["spec"]["names"], CRD["spec"]["group"]
    assert CRD["metadata"]["name"] == NAME == f"{names['plural']}.{group}"
    assert (names["kind"], names["shortNames"], VERSION["name"]) == (
        "DetectorConfig",
        ["dc"],
        "v1alpha1",
    )


def test_every_field_of_the_typed_spec_is_there_and_no_other() -> None:
    assert {place for place in PLACES if place != "$" and "[]" not in place} == FIELDS.keys()


@pytest.mark.parametrize("place", FIELDS)
def test_a_field_has_a_description_and_the_default_of_the_typed_spec(place: str) -> None:
    schema, default = PLACES[place], FIELDS[place].default
    assert len(schema["description"]) > 10
    if default is None or default == () or default is msgspec.NODEFAULT:
        assert "default" not in schema
    elif isinstance(default, msgspec.Struct):
        assert schema["default"] == {}
    else:
        assert schema["default"] == default
        assert f"Default: {str(default).removesuffix('.0')}." in schema["description"]


@pytest.mark.parametrize("place", FIELDS)
def test_a_field_is_required_where_the_typed_spec_has_no_default(place: str) -> None:
    around, _, name = place.rpartition(".")
    required = name in PLACES[around].get("required", ())

    assert required == (FIELDS[place].default is msgspec.NODEFAULT)


def test_a_config_need_not_have_a_model_and_a_model_no_challenger() -> None:
    assert PLACES["$.model"]["required"] == PLACES["$.model.challenger"]["required"] == ["name"]
    assert "model" not in SPEC.get("required", ())
    assert "Absent: rules alone judge." in PLACES["$.model"]["description"]


@pytest.mark.parametrize("place", ["$.model", "$.model.challenger"])
def test_what_a_model_asks_for_is_said_in_words(place: str) -> None:
    (rule,) = PLACES[place]["x-kubernetes-validations"]
    assert rule["message"] == "`threshold` or `alertsPerThousandCards`, not both"
    for name, good, wrong in (
        ("name", "habits.v2", "Habits"),
        ("name", "a", "-a"),
        ("hash", "0123456789abcdef" * 4, "0123456789ABCDEF" * 4),
    ):
        (rule,) = PLACES[f"{place}.{name}"]["x-kubernetes-validations"]
        pattern = rule["rule"].removeprefix("self.matches('").removesuffix("')")
        assert re.search(pattern, good)
        assert not re.search(pattern, wrong)
        assert "lower" in rule["message"]


def test_a_manifest_of_the_defaults_is_a_manifest_of_nothing() -> None:
    def filled(schema: dict[str, Any]) -> Any:
        if "properties" not in schema:
            return schema["default"]
        return {
            name: filled(inner)
            for name, inner in schema["properties"].items()
            if "default" in inner
        }

    assert msgspec.convert(filled(SPEC), DetectorConfigSpec) == DetectorConfigSpec()


def test_ranges_are_those_of_the_typed_spec() -> None:
    factor = PLACES["$.detectors.amountSpike.factor"]
    assert (factor["minimum"], factor["exclusiveMinimum"], factor["maximum"]) == (1, True, 10_000)
    assert "Allowed: above 1 to 10000." in factor["description"]
    margin = PLACES["$.detectors.pinAvoidance.margin"]
    assert (margin["maximum"], margin["exclusiveMaximum"]) == (1, True)
    parallelism = PLACES["$.parallelism"]
    assert (parallelism["minimum"], parallelism["maximum"]) == (1, MAX_PARALLELISM)
    assert PLACES["$.detectors.negativeAmount.mode"]["enum"] == ["Active", "Off", "Shadow"]
    for place, schema in PLACES.items():
        if schema["type"] in ("number", "integer"):
            assert {"minimum", "maximum"} <= schema.keys(), place


def test_a_list_of_a_selector_has_each_value_once_and_not_too_many() -> None:
    for name in ("bankIds", "currencies", "countries", "paymentSystems"):
        schema = PLACES[f"$.selector.{name}"]
        assert (schema["x-kubernetes-list-type"], schema["maxItems"]) == ("set", MAX_SELECTED)
        assert PLACES[f"$.selector.{name}[]"]["maxLength"] <= 128


def test_a_code_that_is_wrong_is_answered_in_words() -> None:
    for name, example in (("currencies", "EUR"), ("countries", "DE")):
        (rule,) = PLACES[f"$.selector.{name}[]"]["x-kubernetes-validations"]
        assert example in rule["message"]
        assert rule["rule"].startswith("self.matches(")


def test_every_place_of_the_schema_is_structural() -> None:
    for place, schema in places(SCHEMA):
        assert schema["type"] in _TYPES, place
        assert schema.keys() & {"$ref", "anyOf", "oneOf", "allOf", "not", "const"} == set(), place
        assert schema.get("properties", {}).keys() >= set(schema.get("required", ())), place
        for bound in ("minimum", "maximum"):  # OpenAPI 3.0: whether, not where
            exclusive = schema.get(f"exclusive{bound.capitalize()}", False)
            assert isinstance(exclusive, bool), place
            assert bound in schema or not exclusive, place
        assert schema["type"] != "array" or "items" in schema, place
        assert schema["type"] != "object" or "properties" in schema or place == "$.metadata", place


def test_what_is_scaled_and_shown_is_in_the_schema() -> None:
    here = {place.removeprefix("$") for place, _ in places(SCHEMA)}
    scale = VERSION["subresources"]["scale"]
    paths = [*scale.values(), *(each["jsonPath"] for each in VERSION["selectableFields"])]
    paths += [each["jsonPath"].partition("[")[0] for each in VERSION["additionalPrinterColumns"]]
    assert {path for path in paths if not path.startswith(".metadata.")} <= here


def test_a_config_stays_with_its_job() -> None:
    rules = PLACES["$.jobRef"]["x-kubernetes-validations"]
    assert "self == oldSelf" in [rule["rule"] for rule in rules]


def test_it_is_printed_as_yaml_without_aliases(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed) == json.loads(json.dumps(CRD))
    assert not re.search(r"[&*]id\d", printed)
