"""Each chart's README.md is made from its values and their schema."""

import json
from pathlib import Path
from typing import Any

import pytest
from scripts.chart_schema import ChartSchema, allowed_values, type_name
from scripts.chart_values import UndescribedError, chart_page, read_values
from tests.unit.charts.rendering import OPERATORS, PLATFORM


@pytest.mark.parametrize("chart", [PLATFORM, OPERATORS], ids=lambda chart: chart.name)
def test_a_readme_is_what_the_values_make(chart: Path) -> None:
    file = chart / "README.md"
    kept = file.read_text("utf-8") if file.exists() else ""
    if kept != chart_page(chart):
        pytest.fail(f"{chart.name}/README.md is out of date; write it anew: make docs", False)


def test_a_page_shows_defaults_ranges_and_comments(tmp_path: Path) -> None:
    lag = {"description": "Behind.", "type": "integer", "minimum": 0, "maximum": 9}
    chart = written(
        tmp_path,
        "# All.\n\n# The job.\njob:\n  # Its name,\n  # a|b.\n  name: x\n  lag: 3\n",
        {"job": {"properties": {"name": {"type": "string"}, "lag": lag}}},
    )
    page = chart_page(chart)
    assert "## Values\n\nAll.\n\n### job\n\nThe job.\n" in page
    assert '| `job.name` | string | – | `"x"` | Its name, a\\|b. |' in page
    assert "| `job.lag` | integer | 0 to 9 | `3` | Behind. |" in page


def test_a_value_that_nobody_describes_is_named(tmp_path: Path) -> None:
    chart = written(tmp_path, "# All.\n\n# The job.\njob:\n  name: x\n", {})
    with pytest.raises(UndescribedError, match=r"^job\.name has neither a comment"):
        chart_page(chart)


def test_a_comment_that_would_be_lost_is_named() -> None:
    with pytest.raises(UndescribedError, match=r"line 4: a comment stands directly above"):
        read_values("# All.\n\njob:\n  # Lost.\n\n  name: x\n")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "boolean"}, ""),
        ({"enum": ["a", 0]}, "`a`, `0`"),
        ({"type": "integer", "minimum": 1}, "at least 1"),
        ({"type": "integer", "maximum": 5}, "at most 5"),
        ({"type": "number", "exclusiveMinimum": 0}, "above 0"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 2}, "above 0 to 2"),
        ({"type": "string", "minLength": 1}, "not empty"),
        ({"anyOf": [{"minimum": 0, "maximum": 0.5}, {"type": "string"}]}, "0 to 0.5"),
        (
            {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/port"}},
            "at least 1; each 1 to 9",
        ),
        ({"allOf": [{"$ref": "#/definitions/port"}, {"minimum": 2}]}, "2 to 9"),
    ],
)
def test_what_is_allowed_is_said_in_words(schema: dict[str, Any], said: str) -> None:
    port = {"type": "integer", "minimum": 1, "maximum": 9}
    found = ChartSchema({"definitions": {"port": port}, "properties": {"x": schema}}).at(("x",))
    assert allowed_values(found) == said


def test_a_value_of_another_chart_has_the_type_of_its_default() -> None:
    found = ChartSchema({"properties": {"strimzi": {"type": "object"}}}).at(("strimzi", "watch"))
    defaults: list[Any] = [True, 1, 0.5, [], {}, ""]
    assert [type_name(found, default) for default in defaults] == [
        *("boolean", "integer", "number", "list", "object", "string")
    ]


def written(folder: Path, values: str, properties: dict[str, Any]) -> Path:
    about = "name: a\ndescription: b\nversion: 0.1.0\nkubeVersion: '>=1.30'\n"
    (folder / "Chart.yaml").write_text(about)
    (folder / "values.yaml").write_text(values)
    (folder / "values.schema.json").write_text(json.dumps({"properties": properties}))
    return folder
