"""What pages are made of: panels with plots and tables, large figures, and words of trouble."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component

from cardwatch_visualizer.figures.theme import Figure

HEIGHT: Final = "210px"
"""Of a plot among others, as CSS has it."""
PLOT: Final = {"displayModeBar": False, "responsive": True}
MAP: Final = {"displaylogo": False, "scrollZoom": True, "responsive": True}
_NOTHING_YET: Final = {
    "data": [],
    "layout": {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
    },
}


def section(title: str, *content: Component, name: str = "") -> Component:
    """Return a part of a page with its heading.

    Args:
        title: above it.
        content: below that.
        name: further classes of CSS.
    """
    return html.Section(
        [html.H2(title, className="cw-heading"), *content],
        className=f"cw-panel {name}".rstrip(),
        **{"aria-label": title},
    )


def panel(
    name: str,
    title: str,
    *,
    height: str = HEIGHT,
    config: dict[str, Any] | None = None,
    above: Sequence[Component] = (),
    below: Sequence[Component] = (),
) -> Component:
    """Return a panel with a plot, still empty, and the same as a table for who sees no plots.

    Args:
        name: of its parts: the plot `NAME`, its table `NAME-table`.
        title: above it.
        height: of the plot, as CSS has it.
        config: of the plot.
        above: what stands between title and plot.
        below: what stands under the table.
    """
    lines = html.Div(id=f"{name}-table", className="cw-scroll", tabIndex="0")
    as_table = html.Details([html.Summary("As a table"), lines], className="cw-as-table")
    drawn = plot(name, _NOTHING_YET, height=height, config=config)
    return section(title, *above, waited_for(drawn), as_table, *below)


def plot(
    name: str, figure: Figure, *, height: str = HEIGHT, config: dict[str, Any] | None = None
) -> Component:
    """Return a plot; `height` as CSS has it."""
    return dcc.Graph(id=name, figure=figure, config=config or PLOT, style={"height": height})


def waited_for(content: Component) -> Component:
    """Return what says so when its answer takes long, and is pale until that has come."""
    return dcc.Loading(
        content,
        delay_show=400,
        overlay_style={"visibility": "visible", "opacity": 0.6},
        type="dot",
    )


def table(columns: Sequence[Any], lines: Iterable[Sequence[Any]], nothing: str) -> Component:
    """Return a table.

    Args:
        columns: texts, or components; the first names a line, the others are numbers or words.
        lines: texts, or components.
        nothing: what is said where there is no line.
    """
    rows = [
        html.Tr([html.Th(first, scope="row"), *(html.Td(each) for each in rest)])
        for first, *rest in lines
    ]
    if not rows:
        return html.P(nothing, className="cw-empty")
    head = html.Thead(html.Tr([html.Th(each, scope="col") for each in columns]))
    return html.Table([head, html.Tbody(rows)], className="cw-table cw-numbers")


def filled_table(name: str, columns: Sequence[str]) -> Component:
    """Return a table that the browser fills as ticks come.

    Args:
        name: of its body.
        columns: their titles.
    """
    head = html.Thead(html.Tr([html.Th(each, scope="col") for each in columns]))
    none = html.Tr(html.Td("not known yet", colSpan=len(columns)))
    return scrolled(html.Table([head, html.Tbody([none], id=name)], className="cw-table"))


def scrolled(content: Component, more: str = "") -> Component:
    """Return what is wider than a narrow screen; the keyboard reaches it, to scroll it.

    Args:
        content: such as a table.
        more: further classes of CSS, such as `cw-words` for a table of words.
    """
    return html.Div(content, className=f"cw-scroll {more}".rstrip(), tabIndex="0")


def stats(figures: Iterable[tuple[str, str]]) -> list[Component]:
    """Return large figures with what they are below them."""
    return [stat(value, words) for value, words in figures]


def stat(value: str, words: str, *, name: str = "") -> Component:
    """Return a large figure with what it is below it; `name` where it changes by itself."""
    known = {"id": name} if name else {}
    return html.Div(
        [
            html.Div(value, className="cw-figure", **known),
            html.Div(words, className="cw-label"),
        ],
        className="cw-stat",
    )


def facts(pairs: Iterable[tuple[str, Any]]) -> Component:
    """Return names and values, one below the other."""
    parts = [part for name, value in pairs for part in (html.Dt(name), html.Dd(value))]
    return html.Dl(parts, className="cw-facts")


def trouble(name: str, said: str = "") -> Component:
    """Return where it is said that something does not answer; hidden while nothing is said."""
    return html.Div(said, id=name, className="cw-trouble", role="alert", hidden=not said)


def said_trouble(words: str) -> Component:
    """Return what does not answer, where a callback makes the whole of a part."""
    return html.P(words, className="cw-trouble", role="alert")
