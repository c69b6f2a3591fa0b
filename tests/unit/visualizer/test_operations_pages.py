"""The pages of detectors and of health, as far as they are known without a browser."""

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest
from flask import Flask
from tests.unit.visualizer.test_pages import ids_in, laid_out

from cardwatch_contracts.detector_config import (
    DEFAULT_CONFIG,
    AmountSpikeConfig,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
)
from cardwatch_visualizer.live.generations import Generations, KeptConfigs
from cardwatch_visualizer.live.health import HealthBoard
from cardwatch_visualizer.pages import detectors, detectors_diff, detectors_form, health
from cardwatch_visualizer.pages.detectors_fields import VALUES
from cardwatch_visualizer.pages.health_parts import COLUMNS
from cardwatch_visualizer.services import Services, open_services
from cardwatch_visualizer.settings import VisualizerSettings
from cardwatch_visualizer.views.thresholds import all_settings

_SETTINGS = VisualizerSettings(
    bootstrap_servers="127.0.0.1:1", valkey_url="valkey://127.0.0.1:1", login="none"
)
_LOUD = DetectorConfigSpec(detectors=Detectors(amount_spike=AmountSpikeConfig(factor=2.0)))


@pytest.fixture(scope="module")
def services() -> Services:
    return open_services(_SETTINGS)


@pytest.fixture(scope="module")
def app() -> Flask:
    return Flask("pages")  # Dash knows one application of them in a process


def kept(*records: ConfigRecord) -> KeptConfigs:
    generations = Generations()
    for record in records:
        generations.put_current(record, record.generation)
    return generations.kept()


def a_config(generation: int, spec: DetectorConfigSpec = _LOUD, **of: Any) -> ConfigRecord:
    return ConfigRecord(name="strict", generation=generation, created_at=0, spec=spec, **of)


def components(node: Any, kind: str) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for each in node:
            yield from components(each, kind)
    elif isinstance(node, dict):
        if node.get("type") == kind:
            yield node["props"]
        for each in node.values():
            yield from components(each, kind)


def test_every_part_of_the_picture_is_judged_and_no_other() -> None:
    drawn = {name for _, parts in COLUMNS for name, _ in parts}
    judged = [part.name for part in HealthBoard().health([], 0).parts]
    assert sorted(judged) == sorted(drawn)


def test_every_threshold_has_a_field_with_its_range_and_its_meaning(
    app: Flask, services: Services
) -> None:
    layout = laid_out(app, services, detectors.PAGE)
    fields = {props["id"]: props for props in components(layout, "NumberInput")}
    for of in all_settings():
        for each in of.thresholds:
            field = fields.pop(f"form-{each.detector}-{each.name}")
            assert (field["min"], field["max"]) == (each.lowest, each.highest)
            assert field["value"] == each.default
            assert each.allowed in field["description"]
            assert each.unit in field["label"]
    assert fields == {}


def test_without_valkey_the_page_says_so_and_begins_with_the_defaults(
    app: Flask, services: Services
) -> None:
    layout = json.dumps(laid_out(app, services, detectors.PAGE, edit="strict"))
    assert "Valkey does not answer" in layout
    assert '"my-thresholds"' in layout


@pytest.mark.parametrize("page", [detectors.PAGE, health.PAGE], ids=lambda page: page.name)
def test_a_hostile_link_chooses_nothing(app: Flask, services: Services, page: Any) -> None:
    hostile = "<script>alert(1)</script>"
    names = ("period", "config", "compare", "from", "to", "edit")
    layout = laid_out(app, services, page, **dict.fromkeys(names, hostile))
    assert hostile not in json.dumps(layout)
    assert list(ids_in(layout))


def test_a_config_that_was_withdrawn_is_compared_and_judges_nothing() -> None:
    configs = kept(a_config(1), a_config(2, withdrawn=True))
    assert detectors.in_force(configs) == [DEFAULT_CONFIG]
    found = configs.find("strict")
    assert found is not None
    newest, before = found.generations
    table = json.dumps(detectors_diff.changes(before, newest, UTC), default=_plain)
    assert "yes: it judges nothing" in table
    assert "generation 2" in table


def test_the_form_begins_with_the_newest_generation() -> None:
    configs = kept(a_config(1, DetectorConfigSpec()), a_config(2))
    assert detectors_form.base_of(configs, "strict").generation == 2
    assert detectors_form.base_of(configs, "another") is DEFAULT_CONFIG
    assert detectors_form.base_of(configs, None) is DEFAULT_CONFIG


def test_a_copy_under_another_name_says_all_of_it_and_goes_nowhere_in_particular() -> None:
    record = a_config(2)
    values: dict[tuple[str, str], Any] = dict.fromkeys(VALUES)
    values["amount_spike", "factor"] = 2
    given = [[], [], [], [], *values.values()]
    text = detectors_form.yaml_of(record, "copy", given)
    assert "name: copy" in text
    assert "factor: 2.0" in text
    assert "namespace" not in text


def _plain(component: Any) -> Any:
    return component.to_plotly_json()
