"""All that the page says of a user, from the archive and from Valkey."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from cardwatch_contracts.card import CardProfile
from cardwatch_visualizer.archive import cardholders
from cardwatch_visualizer.archive.filters import ReviewFilter
from cardwatch_visualizer.archive.questions import alerts
from cardwatch_visualizer.live.store import StoreAwayError
from cardwatch_visualizer.pages.users_find import Who
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.cardholder import ShownCard, shown_cards
from cardwatch_visualizer.views.learning import Learned, learned

MOST_ALERTS: Final = 50
"""Of a user, the newest."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cardholder:
    """A user."""

    user_id: str
    cards: tuple[ShownCard, ...]
    """The one used last first."""
    card: ShownCard | None
    """The one whose learning is shown."""
    learning: tuple[Learned, ...]
    """Of that card, oldest first."""
    places: Sequence[Row]
    habits: Sequence[Row]
    alerts: Sequence[Row]
    """Newest first, `MOST_ALERTS` at most."""
    has_more_alerts: bool
    trouble: str
    """Why profiles are missing; empty where all were asked for."""


def read(services: Services, who: Who, zone: tzinfo) -> Cardholder:
    """Return what there is of a user; without profiles where Valkey does not answer.

    Raises:
        ArchiveAwayError: the archive does not answer.
    """
    archive = services.archive
    rows = cardholders.cards(archive, who.user_id)
    found = alerts(archive, ReviewFilter(user_id=who.user_id), limit=MOST_ALERTS)
    newest = found[:MOST_ALERTS]
    profiles, trouble = _profiles(services, who, [row["card_id"] for row in rows])
    cards = shown_cards(rows, profiles, newest, zone)
    card = next((each for each in cards if each.card_id == who.card_id), None)
    if card is None and cards:
        card = cards[0]
    history = [] if card is None else cardholders.learning(archive, card.card_id)
    return Cardholder(
        user_id=who.user_id,
        cards=cards,
        card=card,
        learning=learned(history, None if card is None else card.profile, zone),
        places=cardholders.places(archive, who.user_id),
        habits=cardholders.habits(archive, who.user_id),
        alerts=newest,
        has_more_alerts=len(found) > MOST_ALERTS,
        trouble=trouble,
    )


def _profiles(
    services: Services, who: Who, card_ids: Sequence[str]
) -> tuple[Mapping[str, CardProfile], str]:
    try:
        found = services.profiles.of(card_ids)
    except StoreAwayError as error:
        return {}, f"Valkey does not answer ({error}): profiles are not shown."
    # A token that has come to somebody else is of no concern to this user.
    mine = {card: each for card, each in found.items() if each.user_id == who.user_id}
    return mine, ""
