"""The parts of a user's page."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component

from cardwatch_contracts.money import format_amount
from cardwatch_visualizer.figures.learning import learning_figure
from cardwatch_visualizer.figures.places import places_figure
from cardwatch_visualizer.figures.theme import Theme
from cardwatch_visualizer.figures.world import world
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.pages.panels import (
    MAP,
    facts,
    plot,
    said_trouble,
    scrolled,
    section,
    stats,
    table,
)
from cardwatch_visualizer.pages.users_map import layers
from cardwatch_visualizer.pages.users_read import MOST_ALERTS, Cardholder
from cardwatch_visualizer.views.cardholder import (
    ShownCard,
    address,
    baseline,
    habit_lines,
    place_lines,
)
from cardwatch_visualizer.views.links import address_of
from cardwatch_visualizer.views.times import format_time

Row = Mapping[str, Any]

_MAX_REASON: Final = 160
_CARD_COLUMNS: Final = (
    *("card", "bank", "scheme", "transactions", "mean", "median", "largest", "limit"),
    *("with PIN", "last used", "alerts"),
)
_NO_PROFILE: Final = (
    "No profile is kept of this card: the job has not judged it, or has forgotten it."
)
_HOW: Final = (
    "Before each transaction the job compares it with the mean of the card's earlier amounts, then "
    "learns from it. The line is that mean, worked out backwards from the newest profile."
)


def nobody(rows: Sequence[Row], zone: tzinfo) -> Component:
    """Return what is shown as long as nobody is chosen: users with the most alerts of a day."""
    lines = (
        (
            _user_link(row["user_id"]),
            f"{row['alerts']:,}",
            f"{row['on_trial']:,}",
            f"{row['cards']:,}",
            format_time(row["last_ms"], zone),
        )
        for row in rows
    )
    columns = ("user", "alerts", "on trial", "cards", "latest")
    nothing = "No alert was raised in the last 24 hours."
    most = scrolled(table(columns, lines, nothing))
    return section("Most alerts in the last 24 hours", most, name="cw-below")


def profile_page(found: Cardholder, theme: Theme, zone: tzinfo) -> Component:
    """Return all that is shown of a user."""
    trouble = [said_trouble(found.trouble)] if found.trouble else []
    more = "+" if found.has_more_alerts else ""
    figures = [
        (f"{len(found.cards):,}", "cards"),
        (f"{sum(row['transactions'] for row in found.places):,}", "latest transactions"),
        (f"{len(found.places):,}", "places"),
        (f"{len(found.alerts):,}{more}", "alerts"),
    ]
    return html.Div(
        [
            html.H2(f"User {shown(found.user_id)}", className="cw-title"),
            *trouble,
            html.Div(stats(figures), className="cw-stats"),
            _cards(found),
            *([] if found.card is None else [_learning(found, found.card, theme, zone)]),
            html.Div([_places(found, theme, zone), _habits(found)], className="cw-plots"),
            _alerts(found, zone),
        ]
    )


def _cards(found: Cardholder) -> Component:
    def line(card: ShownCard) -> tuple[Any, ...]:
        is_shown = found.card is not None and card.card_id == found.card.card_id
        name = dcc.Link(card.name, href=address(found.user_id, card.card_id), className="cw-link")
        first = html.Strong([name, " (shown)"]) if is_shown else name
        return (
            *(first, card.bank, card.system, card.transactions, card.mean, card.median),
            *(card.largest, card.limit, card.pin, card.last, f"{card.alerts:,}"),
        )

    lines = map(line, found.cards)
    content = table(_CARD_COLUMNS, lines, "No transaction of this user is archived.")
    return section("Cards", scrolled(content), name="cw-below")


def _learning(found: Cardholder, card: ShownCard, theme: Theme, zone: tzinfo) -> Component:
    figure = learning_figure(
        theme, found.learning, currency=card.currency, limit_minor=card.limit_minor
    )
    known = baseline(card, found.places, zone)
    profile: list[Component] = [html.P(_NO_PROFILE, className="cw-empty")]
    if known:
        profile = [facts(known), html.P(_HOW, className="cw-label")]
    drawn = plot("users-learning", figure, height="380px")
    return section(f"How the profile of {card.name} learned", *profile, drawn, name="cw-below")


def _places(found: Cardholder, theme: Theme, zone: tzinfo) -> Component:
    figure = places_figure(theme, world(), layers(found))
    drawn = plot("users-map", figure, height="320px", config=MAP)
    columns = ("place", "transactions", "first", "latest")
    lines = table(columns, place_lines(found.places, zone), "No place is known.")
    return section("Places", drawn, scrolled(lines))


def _habits(found: Cardholder) -> Component:
    nothing = "No transaction of this user is archived."
    kinds = (("category", "Category"), ("channel", "Channel"))
    tables = (
        table((title, "transactions", "share"), habit_lines(found.habits, kind), nothing)
        for kind, title in kinds
    )
    return section("Habits", *tables)


def _alerts(found: Cardholder, zone: tzinfo) -> Component:
    def line(row: Row) -> tuple[Any, ...]:
        opened = address_of("/review", {"period": "all", "alert": row["alert_id"]})
        return (
            dcc.Link(format_time(row["event_time"], zone), href=opened, className="cw-link"),
            format_amount(row["amount_minor"], row["currency"]),
            shown(row["city"]),
            shown(row["card_id"]),
            ", ".join(row["detectors"]),
            shown("; ".join(row["reasons"]), _MAX_REASON),
            "on trial" if row["mode"] == "shadow" else "",
            row["label"] or "unanswered",
        )

    columns = ("time", "amount", "city", "card", "detectors", "reason", "mode", "answer")
    every = address_of("/review", {"period": "all", "user": found.user_id})
    title = f"Latest {MOST_ALERTS} alerts" if found.has_more_alerts else "Alerts"
    lines = table(columns, map(line, found.alerts), "No alert was raised.")
    link = dcc.Link("All of them in the review", href=every, className="cw-button")
    return section(title, link, scrolled(lines, "cw-words"), name="cw-below")


def _user_link(user_id: str) -> Component:
    return dcc.Link(shown(user_id), href=address(user_id), className="cw-link")
