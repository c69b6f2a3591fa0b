"""The reference page says something of every field and of every reason."""

import ast
import inspect
import re
from types import ModuleType

import pytest

from cardwatch_contracts.detector_config import Detectors
from cardwatch_operator import rescale, status
from cardwatch_operator.crd import detector_config_crd
from cardwatch_operator.reference import reference_page
from cardwatch_operator.reference_text import REASONS

_WORD = re.compile(r"[A-Z][A-Za-z]+")
_NO_REASONS = {"True", "False", "Unknown", "Applied"}


def _words(module: ModuleType) -> set[str]:
    """Return the texts of a module that are one capitalised word."""
    return {
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _WORD.fullmatch(node.value)
    }


def _section(title: str) -> str:
    page = reference_page(detector_config_crd())
    return page.partition(f"# {title}\n")[2].partition("\n#")[0]


def test_every_reason_that_can_be_given_is_explained() -> None:
    given = _words(status) | _words(rescale)

    assert {reason for _, _, reason, _, _ in REASONS} == given - _NO_REASONS


def test_no_reason_is_explained_twice() -> None:
    explained = [(condition, reason) for condition, _, reason, _, _ in REASONS]

    assert len(set(explained)) == len(explained)


@pytest.mark.parametrize("detector", Detectors.__struct_encode_fields__)
def test_every_detector_has_its_table(detector: str) -> None:
    spec = detector_config_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    fields = spec["spec"]["properties"]["detectors"]["properties"][detector]["properties"]

    section = _section(detector)

    assert [line.split("`")[1] for line in section.splitlines() if "| `" in line[:3]] == [*fields]


def test_a_field_has_its_type_its_range_its_default_and_its_meaning() -> None:
    assert (
        "| `margin` | number | above 0 to below 1 | `0.1` | "
        "How far below the limit is `just below`, as a share of it. |"
    ) in _section("pinAvoidance")
    assert (
        "| `currencies` | list of strings | up to 100, each once; "
        "a currency is three capital letters, such as EUR (ISO 4217) | – | "
    ) in _section("spec.selector")


def test_a_model_has_its_fields_and_its_challenger_below() -> None:
    model, challenger = _section("spec.model"), _section("challenger")

    assert "| `name` | string | a model's name is" in model
    assert "| to be given |" in model
    assert "| `mode` |" in model
    assert "| `mode` |" not in challenger
    for section in (model, challenger):
        assert "\n`threshold` or `alertsPerThousandCards`, not both.\n" in section


def test_a_new_field_gets_a_section_by_itself() -> None:
    crd = detector_config_crd()
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["note"] = {
        "type": "string",
        "description": "Why it is so.",
    }

    assert "## spec.note\n\n" in reference_page(crd)
    assert "| `note` | string | – | – | Why it is so. |" in reference_page(crd)


def test_a_second_version_asks_for_another_page() -> None:
    crd = detector_config_crd()
    crd["spec"]["versions"] *= 2

    with pytest.raises(ValueError, match="too many values"):
        reference_page(crd)
