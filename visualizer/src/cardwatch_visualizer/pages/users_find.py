"""Whom somebody looks for: a user or a card, by what was typed or stands in a link."""

from dataclasses import dataclass

from cardwatch_visualizer.archive import cardholders
from cardwatch_visualizer.archive.filters import ReviewFilter
from cardwatch_visualizer.live.store import StoreAwayError
from cardwatch_visualizer.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A user, and the card that is asked for; empty: any."""

    user_id: str
    card_id: str = ""


def find(services: Services, text: str) -> Who | None:
    """Return whom a user's id or a card's token is of; None where nothing is known of it.

    Raises:
        InvalidFilterError: it is too long, or a card number; the message does not repeat it.
        ArchiveAwayError: the archive does not answer.
    """
    checked = ReviewFilter(search=text.strip()).search
    if not checked:
        return None
    owner = _owner(services, checked)
    if owner is not None:
        return Who(user_id=owner, card_id=checked)
    return Who(user_id=checked) if cardholders.knows_user(services.archive, checked) else None


def resolve(services: Services, user_id: str, card_id: str) -> Who | None:
    """Return who stands in a link; None where a card is nobody's.

    Raises:
        InvalidFilterError: an id is too long, or a card number.
        ArchiveAwayError: the archive does not answer.
    """
    checked = ReviewFilter(user_id=user_id.strip(), card_id=card_id.strip())
    user, card = checked.user_id or "", checked.card_id or ""
    if user or not card:
        return Who(user_id=user, card_id=card)
    owner = _owner(services, card)
    return None if owner is None else Who(user_id=owner, card_id=card)


def _owner(services: Services, card_id: str) -> str | None:
    """Return whose a card is, by its profile or, without one, by the archive."""
    try:
        profile = services.profiles.of([card_id]).get(card_id)
    except StoreAwayError:
        profile = None
    if profile is not None:
        return profile.user_id
    return cardholders.user_of(services.archive, card_id)
