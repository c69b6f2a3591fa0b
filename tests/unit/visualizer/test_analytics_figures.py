"""Plots of analytics and users: what plotly allows, in both themes, hostile names as text."""

from typing import Any, get_args

import plotly.graph_objects as go
import pytest

from cardwatch_visualizer.figures.analytics import (
    MOST_BARS,
    names_figure,
    rates_figure,
    steps_figure,
)
from cardwatch_visualizer.figures.learning import learning_figure
from cardwatch_visualizer.figures.places import Layer, Spot, places_figure
from cardwatch_visualizer.figures.theme import GREY, Figure, Theme, empty_figure
from cardwatch_visualizer.figures.world import World
from cardwatch_visualizer.views.analytics import OTHERS, Bars, Rates
from cardwatch_visualizer.views.learning import Learned

_SHAPES = World(land=[[0, 0, 100, 0, 100, 100, 0, 0]], borders=[[0, 0, 50, 50]])
_HOSTILE = "<a href='javascript:alert(1)'>x</a>"
both_themes = pytest.mark.parametrize("theme", get_args(Theme))


def bars(*names: str) -> Bars:
    return Bars(
        names=names, alerts=tuple(range(len(names), 0, -1)), on_trial=tuple(1 for _ in names)
    )


def rates(*banks: str, steps: int = 2) -> Rates:
    at = tuple(f"2025-10-09T09:00:{step:02}.000" for step in range(steps))
    return Rates(at=at, banks=tuple((bank, (1.0,) * steps) for bank in banks), transactions=9)


def spot(latitude: float, longitude: float, weight: float = 1.0, words: str = "here") -> Spot:
    return Spot(latitude=latitude, longitude=longitude, weight=weight, words=words)


def point(amount_minor: int, **of: Any) -> Learned:
    given: dict[str, Any] = {
        "transaction_id": "t",
        "at": "2025-10-09T11:00:00.000",
        "amount_minor": amount_minor,
        "currency": "EUR",
        "where": "phones-4, Berlin",
        "mean_minor": 1_000.0,
        "amounts": 7,
        "baseline_minor": None,
        "alert_id": None,
    }
    return Learned(**(given | of))


def figures(theme: Theme) -> list[Figure]:
    layer = Layer(name="amounts", colour="primary", spots=(spot(52.5, 13.4), spot(48.1, 11.6)))
    points = [point(900), point(40_000, alert_id="a", baseline_minor=990.0), point(-500)]
    return [
        names_figure(theme, bars("A", "B"), "none"),
        steps_figure(theme, bars("2025-10-09T09:00:00.000"), "none", times=True),
        steps_figure(theme, bars("09:00"), "none", times=False),
        rates_figure(theme, rates("A", OTHERS), "none"),
        empty_figure(theme, "none"),
        places_figure(theme, _SHAPES, [layer]),
        places_figure(theme, _SHAPES, []),
        learning_figure(theme, points, currency="EUR", limit_minor=50_000),
        learning_figure(theme, [], currency="EUR", limit_minor=None),
    ]


@both_themes
def test_plotly_takes_every_figure(theme: Theme) -> None:
    for figure in figures(theme):
        go.Figure(figure)


@both_themes
def test_nothing_is_said_in_words(theme: Theme) -> None:
    none = Bars(names=("09:00",), alerts=(0,), on_trial=(0,))
    for figure in (
        names_figure(theme, none, "no alert"),
        steps_figure(theme, none, "no alert", times=False),
        rates_figure(theme, rates(), "no alert"),
    ):
        assert figure["data"] == []
        assert figure["layout"]["annotations"][0]["text"] == "no alert"


def test_a_bar_tells_its_name_and_shows_it_as_text() -> None:
    trace = names_figure("light", bars(_HOSTILE), "none")["data"][0]
    assert trace["customdata"] == [_HOSTILE], "what a click filters by"
    assert "<a" not in trace["y"][0]


def test_those_on_trial_are_hatched_not_only_of_another_colour() -> None:
    in_force, on_trial = names_figure("light", bars("A"), "none")["data"]
    assert "pattern" not in in_force["marker"]
    assert on_trial["marker"]["pattern"]["shape"] == "/"


def test_a_plot_has_a_dozen_names_at_most() -> None:
    trace = names_figure("light", bars(*(str(n) for n in range(40))), "none")["data"][0]
    assert len(trace["y"]) == MOST_BARS


def test_banks_differ_in_their_dashes_and_others_are_grey() -> None:
    lines = rates_figure("light", rates("A", "B", OTHERS), "none")["data"]
    assert len({line["line"]["dash"] for line in lines}) == 3
    assert lines[2]["line"]["color"] == GREY
    assert {line["mode"] for line in lines} == {"lines"}
    assert rates_figure("light", rates("A", steps=1), "none")["data"][0]["mode"] == "markers"


def test_a_bubbles_area_goes_with_its_weight() -> None:
    layer = Layer(
        name="amounts",
        colour="primary",
        spots=(spot(0, 0, 100), spot(0, 1, 25), spot(0, 2, 0), spot(0, 3, -9)),
    )
    trace = places_figure("light", _SHAPES, [layer])["data"][-1]
    assert trace["marker"]["size"] == [44.0, 22.0, 6.0, 6.0]


def test_spots_without_weights_are_alike_and_the_map_shows_all_of_them() -> None:
    layer = Layer(name="home", colour="alarm", spots=(spot(0, -20, 0), spot(0, 30, 0)))
    figure = places_figure("light", _SHAPES, [layer])
    assert figure["data"][-1]["marker"]["size"] == [14.0, 14.0]
    assert figure["layout"]["xaxis"]["range"] == [-32.0, 42.0]
    assert figure["layout"]["xaxis"]["visible"] is False


def test_hostile_places_are_text() -> None:
    layer = Layer(name="amounts", colour="primary", spots=(spot(0, 0, words=f"{_HOSTILE}\nx"),))
    (text,) = places_figure("light", _SHAPES, [layer])["data"][-1]["text"]
    assert "<a" not in text
    assert text.endswith("<br>x")


def test_what_does_not_compare_is_not_drawn_beside_what_was_learned() -> None:
    points = [point(900), point(-100), point(5_000, currency="JPY"), point(20_000, alert_id="a")]
    figure = learning_figure("light", points, currency="EUR", limit_minor=None)
    ordinary, with_alert, mean, judged = figure["data"]
    assert ordinary["y"] == [9.0]
    assert with_alert["y"] == [200.0]
    assert mean["y"] == [10.0, 10.0]
    assert judged["y"] == []
    assert figure["layout"]["yaxis"]["type"] == "log"


def test_a_limit_is_a_line_across() -> None:
    figure = learning_figure("light", [point(900)], currency="EUR", limit_minor=50_000)
    assert figure["data"][-1]["name"] == "limit"
    assert figure["data"][-1]["y"] == [500.0, 500.0]
