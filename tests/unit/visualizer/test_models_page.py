"""The page of models, as far as it is known without a browser."""

import json
from typing import Any

import pytest
from flask import Flask
from tests.unit.visualizer.model_samples import OTHER, seen
from tests.unit.visualizer.test_model_views import asking
from tests.unit.visualizer.test_pages import laid_out

from cardwatch_contracts.detector_config import Challenger
from cardwatch_visualizer.live.model_shapes import KeptModels
from cardwatch_visualizer.pages import models, models_parts
from cardwatch_visualizer.services import Services, open_services
from cardwatch_visualizer.settings import VisualizerSettings
from cardwatch_visualizer.views.models import side_of

_SETTINGS = VisualizerSettings(
    bootstrap_servers="127.0.0.1:1", valkey_url="valkey://127.0.0.1:1", login="none"
)


@pytest.fixture(scope="module")
def services() -> Services:
    return open_services(_SETTINGS)


def written(component: Any) -> str:
    return json.dumps(component, default=lambda each: each.to_plotly_json())


def test_without_valkey_the_page_says_so(services: Services) -> None:
    app = Flask("pages")
    layout = json.dumps(laid_out(app, services, models.PAGE, config="<script>", period="nonsense"))
    assert "Valkey does not answer" in layout
    assert "<script>" not in layout
    assert "nonsense" not in layout


def test_the_config_is_the_one_asked_for_or_the_first() -> None:
    kept = KeptModels(seen=[seen(), seen(config="another")])
    assert models.chosen(kept, "strict") == "strict"
    assert models.chosen(kept, "gone") == models.chosen(kept, None) == "another"
    assert models.chosen(KeptModels(), "strict") == ""


def test_a_side_says_what_it_is_and_how_it_does() -> None:
    kept = KeptModels(seen=[seen()], configs=[asking(model=Challenger(name="july", hash=OTHER))])
    said = written(models_parts.facts_of(side_of(kept, "strict", "model"), "model"))
    for words in ("ab12cd3", "july ffee112", "in force", "2 of 2 subtasks", "stable (0.00)"):
        assert words in said
    assert '"data-drift": "stable"' in said


def test_sides_that_are_not_there_say_so() -> None:
    assert "no challenger" in written(models_parts.facts_of(None, "challenger"))
    assert "rules alone" in written(models_parts.facts_of(None, "model"))
    silent = side_of(KeptModels(configs=[asking()]), "strict", "model")
    assert "asked for" in written(models_parts.facts_of(silent, "model"))
    assert models_parts.moves_of(silent) == []
    assert "No config asks for a model" in written(models_parts.overview_table(KeptModels()))


def test_a_model_whose_features_have_not_moved_says_so() -> None:
    still = side_of(KeptModels(seen=[seen(features={})]), "strict", "model")
    assert models_parts.moves_of(still) == [], "it has said nothing of features"
    moved = side_of(KeptModels(seen=[seen()]), "strict", "model")
    assert "amount: 50 on average" in written(models_parts.moves_of(moved))


def test_before_both_have_a_finding_they_are_not_compared() -> None:
    assert "once both have a finding" in written(models_parts.agreement_part([], ""))
