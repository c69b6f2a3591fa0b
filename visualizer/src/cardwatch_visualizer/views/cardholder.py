"""A user and their cards in words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from math import cos, hypot, radians
from typing import Any, Final

from cardwatch_contracts.card import CardProfile
from cardwatch_contracts.money import format_amount
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.views.links import address_of
from cardwatch_visualizer.views.times import format_time

Row = Mapping[str, Any]

_UNKNOWN: Final = "–"
_KM_A_DEGREE: Final = 111.2
"""Of latitude: a meridian has 20,015 km for 180 degrees."""


def address(user_id: str, card_id: str = "") -> str:
    """Return the link to a user's page, or to a card's; which of the two is empty is left out."""
    return address_of("/users", {"user": user_id, "card": card_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCard:
    """A card: what its profile says, and where that says nothing, its latest transactions."""

    card_id: str
    """As it is, for links."""
    name: str
    """As it may stand on a screen."""
    bank: str
    system: str
    currency: str
    transactions: str
    mean: str
    median: str
    largest: str
    limit: str
    limit_minor: int | None
    pin: str
    last: str
    alerts: int
    """Of the user's latest ones."""
    profile: CardProfile | None


def shown_cards(
    rows: Sequence[Row],
    profiles: Mapping[str, CardProfile],
    alerts: Sequence[Row],
    zone: tzinfo,
) -> tuple[ShownCard, ...]:
    """Return a user's cards, the one used last first.

    Args:
        rows: of `archive.cardholders.cards`.
        profiles: the newest, by card id; some may be missing.
        alerts: the user's latest, of `archive.questions.alerts`.
        zone: the viewer's.
    """
    raised: dict[str, int] = {}
    for alert in alerts:
        raised[alert["card_id"]] = raised.get(alert["card_id"], 0) + 1
    return tuple(_card(row, profiles.get(row["card_id"]), raised, zone) for row in rows)


def _card(
    row: Row, profile: CardProfile | None, raised: Mapping[str, int], zone: tzinfo
) -> ShownCard:
    currency = row["currency"]

    def words(minor: float | None) -> str:
        return _UNKNOWN if minor is None else format_amount(round(minor), currency)

    limit_minor = profile.card_limit_minor if profile is not None else None
    if limit_minor is None:
        limit_minor = row["limit_minor"]
    seen = row["transactions"] if profile is None else profile.transactions
    return ShownCard(
        card_id=row["card_id"],
        name=shown(row["card_id"]),
        bank=shown(row["bank_id"]),
        system=shown(row["payment_system"]),
        currency=currency,
        transactions=f"{seen:,}",
        mean=words(row["average_minor"] if profile is None else profile.average_amount_minor),
        median=words(row["median_minor"]),
        largest=words(row["largest_minor"]),
        limit=words(limit_minor),
        limit_minor=limit_minor,
        pin=f"{100 * row['with_pin'] / row['transactions']:.0f} %",
        last=format_time(row["last_ms"], zone),
        alerts=raised.get(row["card_id"], 0),
        profile=profile,
    )


def baseline(card: ShownCard, places: Sequence[Row], zone: tzinfo) -> tuple[tuple[str, str], ...]:
    """Return what the job has learned of a card: names and values.

    Args:
        card: which.
        places: where the user pays, to name the profile's places by.
        zone: the viewer's.
    """
    profile = card.profile
    if profile is None:
        return ()
    last_ms = profile.last_event_time
    return (
        ("transactions", f"{profile.transactions:,}"),
        ("mean", f"{card.mean}, of {profile.amounts:,} amounts"),
        ("limit", card.limit),
        ("usual place", _place(profile.home_latitude, profile.home_longitude, places)),
        ("last place", _place(profile.last_latitude, profile.last_longitude, places)),
        ("last transaction", _UNKNOWN if last_ms is None else format_time(last_ms, zone)),
    )


def _place(latitude: float | None, longitude: float | None, places: Sequence[Row]) -> str:
    if latitude is None or longitude is None:
        return _UNKNOWN
    degrees = f"{latitude:.3f}, {longitude:.3f}"
    if not places:
        return degrees

    def away_km(row: Row) -> float:
        # Flat: the nearest of some cities need not be known to the metre.
        east = (row["longitude"] - longitude) * cos(radians(latitude))
        return _KM_A_DEGREE * hypot(row["latitude"] - latitude, east)

    nearest = min(places, key=away_km)
    return f"{degrees} ({away_km(nearest):,.0f} km from {place_name(nearest)})"


def place_name(row: Row) -> str:
    """Return city and country."""
    return ", ".join(filter(None, (shown(row["city"]), shown(row["country"]))))


def place_lines(rows: Sequence[Row], zone: tzinfo) -> Iterator[tuple[str, ...]]:
    """Yield places as a table: place, transactions, first, latest."""
    for row in rows:
        first, last = format_time(row["first_ms"], zone), format_time(row["last_ms"], zone)
        yield place_name(row), f"{row['transactions']:,}", first, last


def habit_lines(rows: Sequence[Row], kind: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a user's transactions are of one kind: name, number, share.

    Args:
        rows: of `archive.cardholders.habits`.
        kind: `category` or `channel`.
    """
    mine = [row for row in rows if row["kind"] == kind]
    total = sum(row["transactions"] for row in mine)
    for row in mine:
        share = f"{100 * row['transactions'] / total:.0f} %"
        yield shown(row["name"]), f"{row['transactions']:,}", share
