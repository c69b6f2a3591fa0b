"""The plots are what plotly allows, in both themes, and hostile names are no markup in them."""

from typing import Any, get_args

import plotly.graph_objects as go
import pytest

from cardwatch_visualizer.figures.history import Payment, history_figure
from cardwatch_visualizer.figures.live import lag_figure, latency_figure, rates_figure
from cardwatch_visualizer.figures.theme import LOOKS, Figure, Theme, coloured, plain
from cardwatch_visualizer.figures.world import World, miller, world, world_figure

_SHAPES = World(land=[[0, 0, 100, 0, 100, 100, 0, 0]], borders=[[0, 0, 50, 50]])
both_themes = pytest.mark.parametrize("theme", get_args(Theme))


def payment(name: str, amount_minor: int = 1_000, **changes: Any) -> Payment:
    given: dict[str, Any] = {
        "transaction_id": name,
        "at": "2025-10-09T11:00:00.000",
        "amount_minor": amount_minor,
        "currency": "EUR",
        "where": "phones-4, Berlin",
        "has_alert": False,
    }
    return Payment(**(given | changes))


def figures(theme: Theme) -> list[Figure]:
    payments = [payment("a"), payment("b", has_alert=True)]
    return [
        rates_figure(theme),
        latency_figure(theme),
        lag_figure(theme),
        world_figure(theme, _SHAPES),
        history_figure(theme, payments, "b", baseline_minor=900.0),
    ]


@both_themes
def test_plotly_takes_every_figure(theme: Theme) -> None:
    for figure in figures(theme):
        go.Figure(figure)


@both_themes
def test_a_trace_notes_which_colours_its_theme_gave_it(theme: Theme) -> None:
    trace = coloured(theme, {"line": {"width": 2}}, line__color="alarm", fillcolor="land")
    assert trace["line"] == {"width": 2, "color": LOOKS[theme].alarm}
    assert trace["fillcolor"] == LOOKS[theme].land
    assert trace["meta"] == {"colours": {"line.color": "alarm", "fillcolor": "land"}}


def test_the_transaction_in_question_has_a_ring() -> None:
    figure = history_figure("light", [payment("a"), payment("b", 2_000)], "b")
    ring = figure["data"][-1]
    assert ring["y"] == [20.0]
    assert ring["name"] == "this transaction"


def test_amounts_of_another_currency_are_not_drawn_beside() -> None:
    payments = [payment("a"), payment("yen", 5_000, currency="JPY"), payment("b")]
    drawn = history_figure("light", payments, "b")["data"][0]["y"]
    assert drawn == [10.0, 10.0]


def test_a_hostile_merchant_is_text_in_a_plot() -> None:
    where = "<a href='javascript:alert(1)'>x</a> & co"
    figure = history_figure("light", [payment("a", where=where)], "a")
    (text,) = figure["data"][0]["text"]
    assert "<a" not in text
    assert plain(where) in text


@pytest.mark.parametrize(
    ("latitude", "y"), [(0, 0.0), (45, 48.29), (-45, -48.29), (90, 131.98)]
)  # 1.25 ln tan(π/4 + 2φ/5), in degrees, computed by hand
def test_miller_is_millers_projection(latitude: float, y: float) -> None:
    assert miller(latitude) == pytest.approx(y, abs=0.05)


def test_the_shapes_cover_the_world_and_are_small() -> None:
    shapes = world()
    points = sum(len(line) // 2 for line in (*shapes.land, *shapes.borders))
    assert 5_000 < points < 30_000
    longitudes = [value for line in shapes.land for value in line[0::2]]
    latitudes = [value for line in shapes.land for value in line[1::2]]
    assert -1900 < min(longitudes) <= -1690
    assert 1800 <= max(longitudes) < 1950, "what crosses the date line goes on"
    assert min(latitudes) >= -900
    assert max(latitudes) <= 900
