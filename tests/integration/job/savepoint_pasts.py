"""Users with a past, for a kept savepoint: what they do after it depends on what is remembered."""

import json
from typing import Final

from msgspec.structs import replace
from tests.unit.detectors.stories import STORIES
from tests.unit.transactions import make_transaction

from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import ON_BY_DEFAULT
from cardwatch_contracts.topics import CARD_PROFILES
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.reference import judge_all, transaction_of

_REFUNDED: Final = "amount_spike"
_REFUND: Final = make_transaction(amount_minor=-700, after_s=600)
"""A transaction that does not count as an amount: the card has one more of these than of those."""
PASTS: Final = {
    name: (*story.past, _REFUND) if name == _REFUNDED else story.past
    for name, story in STORIES.items()
    if name in ON_BY_DEFAULT
    if story.past
}


def pasts() -> list[Transaction]:
    """Return what came before, of two users for each detector that remembers."""
    return [
        of_user(txn, f"{name}-{whose}-past-{place}", f"{whose}-{name}")
        for name, past in PASTS.items()
        for whose in ("known", "careful")
        for place, txn in enumerate(past)
    ]


def presents() -> list[Transaction]:
    """Return what is suspicious after a past, what just is not, and the first without a past."""
    return [
        of_user(txn, f"{name}-{whose}", f"{whose}-{name}")
        for name in PASTS
        for whose, txn in (
            ("known", STORIES[name].suspicious),
            ("careful", STORIES[name].harmless),
            ("new", STORIES[name].suspicious),
        )
    ]


def profile() -> dict[str, str | int | float]:
    """Return what the reference makes of the card of which most is remembered."""
    user_id = f"known-{_REFUNDED}"
    records = [
        transaction_of(encode(txn), user_id=user_id, ingested_at=txn.event_time)
        for txn in (*pasts(), *presents())
        if txn.user_id == user_id
    ]
    profiles = [output for output in judge_all(records) if output.topic == CARD_PROFILES.name]
    said: dict[str, str | int | float] = json.loads(profiles[-1].value)
    return said


def of_user(txn: Transaction, transaction_id: str, user_id: str) -> Transaction:
    """Return a transaction as another user's, with a card of theirs."""
    card_id = f"{user_id}-{txn.card_id}"
    return replace(txn, transaction_id=transaction_id, user_id=user_id, card_id=card_id)
