"""For each detector: a past, a transaction that is suspicious after it, and one that just is not.

The last is the first changed by as much as its finding's counterfactual says, and no more.
"""

from dataclasses import dataclass
from typing import Final

from tests.unit.transactions import make_transaction

from cardwatch_contracts.transaction import Transaction

DAY_S: Final = 86_400.0
KM_PER_DEGREE: Final = 111.195_080
"""Length of a degree of a great circle: 6371.0088 km × π / 180."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A past and two ways in which it goes on."""

    past: tuple[Transaction, ...] = ()
    suspicious: Transaction
    harmless: Transaction


def _at(longitude: float, after_s: float, card_id: str = "card-1") -> Transaction:
    """Return a transaction on the equator."""
    return make_transaction(
        latitude=0.0, longitude=longitude, after_s=after_s, card_id=card_id, pin_used=True
    )


STORIES: Final = {
    # The mean of 10, 20, 30, 40 and 50 EUR is 30 EUR; ten times that is 300 EUR.
    "amount_spike": Story(
        past=tuple(
            make_transaction(amount_minor=amount, after_s=60 * place)
            for place, amount in enumerate((1_000, 2_000, 3_000, 4_000, 5_000))
        ),
        suspicious=make_transaction(amount_minor=30_000, after_s=3600),
        harmless=make_transaction(amount_minor=29_999, after_s=3600),
    ),
    "negative_amount": Story(
        suspicious=make_transaction(amount_minor=-1),
        harmless=make_transaction(amount_minor=0),
    ),
    "limit_exceeded": Story(
        suspicious=make_transaction(amount_minor=50_001, card_limit_minor=50_000),
        harmless=make_transaction(amount_minor=50_000, card_limit_minor=50_000),
    ),
    "very_high_value": Story(
        suspicious=make_transaction(amount_minor=1_000_001),
        harmless=make_transaction(amount_minor=1_000_000),
    ),
    # 9 degrees are 1000.756 km, for which 900 km/h take 4003.02 s.
    "impossible_travel": Story(
        past=(_at(0.0, 0),), suspicious=_at(9.0, 4003), harmless=_at(9.0, 4004)
    ),
    "rapid_transactions": Story(
        past=(make_transaction(),),
        suspicious=make_transaction(after_s=9.999),
        harmless=make_transaction(after_s=10.0),
    ),
    "pin_avoidance": Story(
        past=tuple(
            make_transaction(amount_minor=amount, after_s=after_s)
            for amount, after_s in ((9_000, 0), (9_999, 300))
        ),
        suspicious=make_transaction(amount_minor=9_500, after_s=599.999),
        harmless=make_transaction(amount_minor=9_500, after_s=600),
    ),
    "many_no_pin": Story(
        past=tuple(make_transaction(pin_used=False, after_s=after_s) for after_s in range(4)),
        suspicious=make_transaction(pin_used=False, after_s=599.999),
        harmless=make_transaction(pin_used=False, after_s=600),
    ),
    "dormant_card": Story(
        past=(make_transaction(),),
        suspicious=make_transaction(after_s=90 * DAY_S),
        harmless=make_transaction(after_s=90 * DAY_S - 0.001),
    ),
    "multi_card_distance": Story(
        past=(_at(0.0, 0, "card-2"),), suspicious=_at(9.0, 4003), harmless=_at(9.0, 4004)
    ),
    # 500 km are 4.49660 degrees: 4.4967 are 500.011 km, 4.4965 are 499.989 km.
    "unusual_location": Story(
        past=tuple(make_transaction(after_s=3600 * place) for place in range(10)),
        suspicious=make_transaction(latitude=52.52 + 4.4967, after_s=86_400),
        harmless=make_transaction(latitude=52.52 + 4.4965, after_s=86_400),
    ),
}
