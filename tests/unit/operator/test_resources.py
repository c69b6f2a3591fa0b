from typing import Any

import pytest

from cardwatch_contracts.detector_config import DetectorConfigSpec
from cardwatch_operator.resources import parse_resource, to_ms, to_time


def a_manifest(**fields: Any) -> dict[str, Any]:
    metadata = {
        "name": "strict",
        "namespace": "fraud",
        "uid": "4f1c",
        "generation": 3,
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "resourceVersion": "77",
    }
    return {
        "apiVersion": "cardwatch.dev/v1alpha1",
        "kind": "DetectorConfig",
        "metadata": metadata | fields.pop("metadata", {}),
        **fields,
    }


def test_a_resource_is_read() -> None:
    resource = parse_resource(a_manifest(spec={"parallelism": 2}, status={"subtasks": "2/2"}))
    assert (resource.name, resource.namespace, resource.uid) == ("strict", "fraud", "4f1c")
    assert (resource.revision, resource.resource_version) == (3, "77")
    assert resource.created_at == 1_767_323_045_000
    assert resource.spec == DetectorConfigSpec(parallelism=2)
    assert (resource.error, resource.status) == ("", {"subtasks": "2/2"})


@pytest.mark.parametrize("fields", [{}, {"spec": None}, {"spec": {}}, {"status": None}])
def test_what_is_left_out_has_its_defaults(fields: dict[str, Any]) -> None:
    resource = parse_resource(a_manifest(**fields))
    assert (resource.spec, resource.status) == (DetectorConfigSpec(), {})


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"spec": {"parallelism": 0}}, "`int` >= 1 - at `$.spec.parallelism`"),
        ({"spec": {"selector": {"bankIds": ["A", "A"]}}}, "each of `bankIds` once"),
        ({"metadata": {"name": "a.b"}}, "at `$.metadata.name`"),
    ],
)
def test_a_resource_that_breaks_the_contract_keeps_its_name_and_says_why(
    fields: dict[str, Any], error: str
) -> None:
    resource = parse_resource(a_manifest(**fields))
    assert resource.spec is None
    assert error in resource.error
    assert resource.uid == "4f1c"


def test_who_last_changed_the_spec_is_known() -> None:
    fields = [
        {"manager": "helm", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {}}},
        {"manager": "kubectl-edit", "time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:spec": {}}},
        {"manager": "operator", "time": "2026-01-04T00:00:00Z", "fieldsV1": {"f:status": {}}},
        {"manager": "nobody"},
    ]
    resource = parse_resource(a_manifest(metadata={"managedFields": fields}))
    assert resource.changed_by == "kubectl-edit"
    assert parse_resource(a_manifest()).changed_by == ""


def test_the_oldest_sort_first_and_those_of_a_second_by_name() -> None:
    late = parse_resource(a_manifest(metadata={"creationTimestamp": "2026-01-02T03:04:06Z"}))
    named = parse_resource(a_manifest(metadata={"name": "other"}))
    first = parse_resource(a_manifest(metadata={"name": "lenient"}))
    assert sorted([late, named, first], key=lambda each: each.age) == [first, named, late]


def test_times_are_those_of_kubernetes() -> None:
    assert to_time(1_767_323_045_999) == "2026-01-02T03:04:05Z"
    assert to_ms(to_time(1_767_323_045_000)) == 1_767_323_045_000
