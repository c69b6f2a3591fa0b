"""Writes each chart's README.md, with all its values: `python -m scripts.chart_values`.

Defaults and what is said of them come from values.yaml and its comments, types and ranges from
values.schema.json; a value without a comment is described there. helm-docs does not read schemas.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from scripts.chart_schema import ChartSchema, allowed_values, type_name

CHARTS: Final = Path(__file__).parents[1] / "charts"
_WHOLE: Final = "resources"
"""An object that is one value, as Kubernetes has it."""
_NOTHING: Final = "–"


class UndescribedError(ValueError):
    """A value without a description, or a comment that belongs to no value."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value, or a group of them, as values.yaml has it."""

    path: tuple[str, ...]
    comment: str
    default: Any
    is_group: bool

    @property
    def name(self) -> str:
        """The path as `--set` takes it."""
        return ".".join(self.path)


def write_pages(charts: Path = CHARTS) -> None:
    """Write the README.md of every chart."""
    for chart in sorted(path.parent for path in charts.glob("*/Chart.yaml")):
        (chart / "README.md").write_text(chart_page(chart), "utf-8")


def chart_page(chart: Path) -> str:
    """Return a chart's README.md.

    Raises:
        UndescribedError: a value has no description, or a comment is nobody's.
    """
    about = yaml.safe_load((chart / "Chart.yaml").read_text("utf-8"))
    schema = ChartSchema(json.loads((chart / "values.schema.json").read_text("utf-8")))
    introduction, values = read_values((chart / "values.yaml").read_text("utf-8"))
    parts = [
        f"# {about['name']}",
        "<!-- Written by `make docs` from values.yaml and values.schema.json. -->",
        f"{about['description']}. Version {about['version']}, for Kubernetes"
        f" `{about['kubeVersion']}`. How it is installed: [install.md](../../docs/install.md).",
    ]
    if "dependencies" in about:
        parts += ["## Charts it depends on", _dependencies(about["dependencies"])]
    parts += ["## Values", introduction]
    for top in (value for value in values if len(value.path) == 1):
        within = [value for value in values if value.path[0] == top.path[0]]
        parts.append(f"### {top.name}")
        if top.is_group:
            parts.append(top.comment)
            within.remove(top)
        parts.append(_table(within, schema))
    return "\n\n".join(part for part in parts if part) + "\n"


def read_values(text: str) -> tuple[str, list[Value]]:
    """Return a values.yaml's introduction, and its values and groups in their order."""
    lines = text.splitlines()
    comments = _Comments(lines)
    introduction = comments.take(lines.index("") if "" in lines else 0)
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode), "values.yaml is an object"
    values = list(_walk(root, comments))
    if comments.left:
        line = min(comments.left)
        raise UndescribedError(
            f"values.yaml, line {line + 1}: a comment stands directly above the value that it is of"
        )
    return introduction, values


class _Comments:
    """Lines that are comments; those that were taken are no longer there."""

    def __init__(self, lines: list[str]) -> None:
        self.left = {
            number: line.strip().removeprefix("#").strip()
            for number, line in enumerate(lines)
            if line.strip().startswith("#")
        }

    def take(self, line: int) -> str:
        """Return what stands directly above a line."""
        taken: list[str] = []
        while (line := line - 1) in self.left:
            taken.insert(0, self.left.pop(line))
        return " ".join(taken)


def _walk(node: yaml.MappingNode, comments: _Comments, *path: str) -> Iterator[Value]:
    for key, value in node.value:
        here = (*path, key.value)
        is_group = isinstance(value, yaml.MappingNode) and value.value and key.value != _WHOLE
        yield Value(
            path=here,
            comment=comments.take(key.start_mark.line),
            default=_constructed(value),
            is_group=bool(is_group),
        )
        if is_group:
            yield from _walk(value, comments, *here)


def _constructed(node: yaml.Node) -> Any:
    return yaml.safe_load(yaml.serialize(node))


def _table(values: list[Value], schema: ChartSchema) -> str:
    rows = [("value", "type", "allowed", "default", "meaning"), ("---",) * 5]
    for value in values:
        found = schema.at(value.path)
        if not value.is_group:
            rows.append(
                (
                    f"`{value.name}`",
                    type_name(found, value.default),
                    allowed_values(found) or _NOTHING,
                    f"`{json.dumps(value.default)}`",
                    _meaning(value, found),
                )
            )
        elif value.comment:
            rows.append((f"`{value.name}`", "group", _NOTHING, _NOTHING, value.comment))
    return _markdown(rows)


def _meaning(value: Value, schema: Mapping[str, Any]) -> str:
    said = value.comment or str(schema.get("description", ""))
    if not said:
        raise UndescribedError(
            f"{value.name} has neither a comment in values.yaml nor a description in"
            " values.schema.json"
        )
    return said


def _dependencies(dependencies: list[dict[str, Any]]) -> str:
    rows = [("chart", "version", "unless"), ("---",) * 3]
    for each in dependencies:
        rows.append((each["name"], each["version"], f"`{each['condition']}` is false"))
    return _markdown(rows)


def _markdown(rows: Sequence[tuple[str, ...]]) -> str:
    escaped = ([cell.replace("|", r"\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


if __name__ == "__main__":
    write_pages()
