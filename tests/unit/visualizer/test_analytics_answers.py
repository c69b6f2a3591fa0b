"""Pages say what they cannot ask, and answer as much as their callbacks expect."""

from typing import Any

import pytest
from flask import Flask

from cardwatch_visualizer.app import build_app
from cardwatch_visualizer.archive.connection import ArchiveAwayError
from cardwatch_visualizer.archive.filters import InvalidFilterError
from cardwatch_visualizer.pages import analytics_answers as answers
from cardwatch_visualizer.pages.users_find import find, resolve
from cardwatch_visualizer.services import Services, open_services
from cardwatch_visualizer.settings import VisualizerSettings

_SETTINGS = VisualizerSettings(
    bootstrap_servers="127.0.0.1:1", valkey_url="valkey://127.0.0.1:1", login="none"
)
_NO_ARCHIVE = ("no archive is set up (CARDWATCH_DATABASE_URL)", False)


@pytest.fixture(scope="module")
def services() -> Services:
    return open_services(_SETTINGS)


@pytest.fixture(scope="module")
def callbacks(services: Services) -> list[dict[str, Any]]:
    app: Flask = build_app(_SETTINGS, services, key=b"k" * 32, ended=lambda: False)
    with app.test_client() as client:
        found: list[dict[str, Any]] = client.get("/_dash-dependencies").get_json()
    return found


@pytest.mark.parametrize(
    ("answer", "output", "states"),
    [
        (answers.alerts, "analytics-time.figure", 4),
        (answers.rates, "analytics-rates.figure", 0),
        (answers.places, "analytics-places.figure", 1),
    ],
)
def test_without_an_archive_that_is_said_and_the_rest_stays(
    services: Services, callbacks: list[dict[str, Any]], answer: Any, output: str, states: int
) -> None:
    (callback,) = (each for each in callbacks if output in each["output"])
    outputs = callback["output"].strip(".").split("...")
    answered = answer(services)({}, None, "light", "UTC", *[None] * states)
    assert len(answered) == len(outputs)
    assert answered[-2:] == _NO_ARCHIVE


@pytest.mark.parametrize("answer", [answers.alerts, answers.rates])
def test_a_card_number_in_a_link_is_refused_and_not_repeated(
    services: Services, answer: Any
) -> None:
    said = answer(services)({"bank": "4111111111111111"}, None, "dark", None)[-2]
    assert "a card number" in said
    assert "4111" not in said


def test_a_card_number_is_not_looked_for(services: Services) -> None:
    with pytest.raises(InvalidFilterError) as refused:
        find(services, " 4111 1111 1111 1111 ")
    assert "4111" not in str(refused.value)
    with pytest.raises(InvalidFilterError):
        resolve(services, "", "4111111111111111")


def test_nothing_typed_is_nobody(services: Services) -> None:
    assert find(services, "  ") is None


def test_an_archive_that_is_away_is_no_unknown_user(services: Services) -> None:
    with pytest.raises(ArchiveAwayError):
        find(services, "501")
