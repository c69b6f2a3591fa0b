"""`cardwatch cards`."""

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cardwatch_contracts.card import CardProfile
from cardwatch_contracts.privacy import redact_card_numbers
from cardwatch_contracts.wording import printable
from cardwatch_local.alert_text import format_time
from cardwatch_local.commands import output
from cardwatch_local.commands.options import Json, StackName, ValkeyUrl
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection

if TYPE_CHECKING:
    from cardwatch_local.reading.cards import ProfileReader

EXAMPLES: Final = (
    "cardwatch cards --name demo",
    "cardwatch cards --user 1042",
    "cardwatch cards tok_kqbvdthgmrscpnfj --json",
)


def cards(
    *,
    card_id: Annotated[str | None, typer.Argument(metavar="[CARD_ID]")] = None,
    user: Annotated[str | None, typer.Option(help="All cards of this user.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
    name: StackName = "default",
    valkey_url: ValkeyUrl = None,
) -> None:
    """Show what the history of a card has taught, from Valkey."""
    # Here, because it loads Valkey's client, and other commands should answer at once.
    from cardwatch_local.reading.cards import ProfileReader  # noqa: PLC0415

    if card_id is not None and user is not None:
        raise typer.BadParameter("give a CARD_ID or --user, not both")
    url = Connection(stack=name, valkey_url=valkey_url).valkey
    with closing(ProfileReader(url)) as reader:
        found = _find(reader, card_id=card_id, user=user, limit=limit)
    if as_json:
        for profile in found:
            output.say_json(profile)
        return
    output.table(
        (
            "card", "user", "transactions:right", "average (minor):right", "limit (minor):right",
            "last seen (UTC)", "last place:right", "home:right",
        ),
        map(_row, found),
    )  # fmt: skip


def _find(
    reader: "ProfileReader", *, card_id: str | None, user: str | None, limit: int
) -> list[CardProfile]:
    if card_id is not None:
        profile = reader.profile(card_id)
        if profile is None:
            raise StackError(f"no card {redact_card_numbers(card_id)} in Valkey")
        return [profile]
    if user is None:
        return list(islice(reader.profiles(), limit))
    found = [profile for profile in reader.profiles() if profile.user_id == user]
    if not found:
        raise StackError(f"no card of user {redact_card_numbers(user)} in Valkey")
    return sorted(found, key=lambda profile: profile.card_id)


def _row(profile: CardProfile) -> tuple[str, ...]:
    return (
        printable(profile.card_id),
        printable(profile.user_id),
        f"{profile.transactions:,}",
        _amount(profile.average_amount_minor),
        _amount(profile.card_limit_minor),
        "never" if profile.last_event_time is None else format_time(profile.last_event_time),
        place(profile.last_latitude, profile.last_longitude),
        place(profile.home_latitude, profile.home_longitude),
    )


def _amount(amount_minor: float | None) -> str:
    """Write minor units; a profile does not say the currency."""
    return "–" if amount_minor is None else f"{amount_minor:,.0f}"


def place(latitude: float | None, longitude: float | None) -> str:
    """Write degrees north and east, or a dash."""
    if latitude is None or longitude is None:
        return "–"
    return f"{latitude:.3f}, {longitude:.3f}"
