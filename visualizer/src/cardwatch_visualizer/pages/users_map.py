"""A user's places on the map."""

from cardwatch_visualizer.figures.places import Layer, Spot
from cardwatch_visualizer.pages.users_read import Cardholder
from cardwatch_visualizer.views.cardholder import ShownCard, place_name


def layers(found: Cardholder) -> list[Layer]:
    """Return where a user pays, and what their cards' profiles take for their usual places."""
    visits = tuple(
        Spot(
            latitude=row["latitude"],
            longitude=row["longitude"],
            weight=row["transactions"],
            words=f"{place_name(row)}\n{row['transactions']:,} transactions",
        )
        for row in found.places
    )
    homes = tuple(spot for card in found.cards if (spot := _home(card)) is not None)
    return [
        Layer(name="transactions", colour="primary", spots=visits),
        Layer(name="usual place, by the profile", colour="alarm", spots=homes, symbol="star"),
    ]


def _home(card: ShownCard) -> Spot | None:
    profile = card.profile
    if profile is None or profile.home_latitude is None or profile.home_longitude is None:
        return None
    return Spot(
        latitude=profile.home_latitude,
        longitude=profile.home_longitude,
        weight=0.0,
        words=f"usual place of {card.name}",
    )
