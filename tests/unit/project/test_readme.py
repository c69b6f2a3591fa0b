"""What the README says is what the code does; every command in it is run in integration."""

import io
import re

import msgspec
import pytest
from rich.console import Console
from tests.unit.cli.samples import a_snapshot
from tests.unit.project.fences import Command, commands, fences
from tests.unit.project.machine import REPOSITORY

from cardwatch_contracts.detector_config import Detectors, DetectorSettings
from cardwatch_generator.mapping_file import load_mapping
from cardwatch_job.detectors import DETECTORS
from cardwatch_local.cli import app
from cardwatch_local.configs.documents import parse_documents
from cardwatch_local.demo.view import LiveView

_README = (REPOSITORY / "README.md").read_text()
_EXAMPLES = REPOSITORY / "docs/examples"
_ROW = re.compile(r"^\| (\w+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]{3,}")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def _rows() -> dict[str, str]:
    """When each detector fires, from the README's table."""
    table = _README.partition("## The eleven detectors")[2].partition("\n## ")[0]
    return {name: fires for name, fires, _ in _ROW.findall(table) if name != "detector"}


def _shown(name: str, value: float) -> str:
    """A default threshold in the README's units: amounts in major units, windows in minutes."""
    if name.endswith("_minor"):
        return f"{value / 100:,.2f}"
    if name == "window_s":
        return f"{value / 60:g}"
    return f"{value * 100:g}" if name == "margin" else f"{value:g}"


def test_the_table_has_every_detector_in_the_order_of_an_alert() -> None:
    assert list(_rows()) == [detector.name for detector in DETECTORS]


@pytest.mark.parametrize("detector", Detectors.__struct_fields__)
def test_the_table_gives_the_default_thresholds_and_no_other_numbers(detector: str) -> None:
    settings: DetectorSettings = getattr(Detectors(), detector)
    defaults = msgspec.structs.asdict(settings)
    del defaults["mode"]
    expected = [_shown(name, value) for name, value in defaults.items()]
    if detector == "negative_amount":
        expected.append("0")

    assert sorted(_NUMBER.findall(_rows()[detector])) == sorted(expected)


def test_the_detector_config_shown_is_the_example_file_and_valid() -> None:
    (shown,) = fences(_README, "yaml")
    assert shown == (_EXAMPLES / "strict.yaml").read_text()
    (config,) = parse_documents(shown, source="README.md")
    assert config.metadata.name == "strict"


def test_the_example_mapping_is_valid() -> None:
    assert load_mapping(str(_EXAMPLES / "payments.yaml")).card_number_columns == ("card_number",)


def test_the_screen_shown_has_the_panels_and_figures_of_the_live_view() -> None:
    console = Console(width=100, height=34, record=True, file=io.StringIO())
    console.print(LiveView(a_snapshot()))
    above_alerts = console.export_text().partition("Last alerts")[0]

    (screen,) = (body for body in fences(_README, "text") if "live demo" in body)
    words = set(_WORD.findall(above_alerts)) - {detector.name for detector in DETECTORS}
    assert words <= set(_WORD.findall(screen))
    assert "Last alerts" in screen


def test_every_command_of_the_program_is_named() -> None:
    names = {command.name for command in app.registered_commands}
    assert {name for name in names if f"cardwatch {name}" not in _README} == set()


def test_commands_are_found_with_what_is_shown_of_their_output() -> None:
    document = "```sh\nmake a\n```\n```text\nA\n```\n```console\n$ b 1\nB\n…\n$ c\n```\n"

    assert commands(document) == [
        Command(line="make a", shown="A\n"),
        Command(line="b 1", shown="B\n…\n"),
        Command(line="c", shown=""),
    ]
