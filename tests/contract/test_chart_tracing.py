"""The collector lets through what the contract knows; tests run what the chart installs."""

import re

import yaml
from tests.unit.charts.rendering import PLATFORM
from tests.unit.project.machine import REPOSITORY

from cardwatch_contracts.telemetry import ATTRIBUTES, IS_ALERT

_COLLECTOR = yaml.safe_load((PLATFORM / "files/collector.yaml").read_text("utf-8"))
_TRACING = yaml.safe_load((PLATFORM / "values.yaml").read_text("utf-8"))["tracing"]
_RESOURCE = ("service.", "deployment.", "k8s.")
"""How attributes begin that say who makes spans."""


def test_the_collector_lets_through_the_attributes_of_the_contract_and_no_others() -> None:
    allowed = _COLLECTOR["processors"]["redaction"]["allowed_keys"]
    of_spans = [key for key in allowed if not key.startswith(_RESOURCE)]
    assert of_spans == [attribute.name for attribute in ATTRIBUTES]


def test_the_collector_knows_alerts_by_the_attribute_of_the_contract() -> None:
    alerts, *_ = _COLLECTOR["processors"]["tail_sampling"]["policies"]
    assert alerts["boolean_attribute"] == {"key": IS_ALERT.name, "value": True}


def test_tests_run_the_collector_that_the_chart_installs() -> None:
    assert _TRACING["collector"]["image"].endswith(f":{required('collector', 'otelcol')[1:]}")


def test_tests_run_the_jaeger_that_the_chart_installs() -> None:
    # Until 2.13, version 2 was released in the same module as version 1.
    assert (required("jaeger", "jaeger"), _TRACING["jaeger"]["image"]) == (
        "v1.76.0",
        "jaegertracing/jaeger:2.13.0",
    )


def required(program: str, module: str) -> str:
    """Return the version of a module that a program of the tests is built from."""
    text = (REPOSITORY / "tests/cluster" / program / "go.mod").read_text("utf-8")
    found = re.search(rf"^\s*\S*/{module} (v\S+)", text, re.MULTILINE)
    assert found is not None, f"{program} does not need {module}"
    return found[1]
