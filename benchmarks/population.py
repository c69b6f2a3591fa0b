"""The simulated cards and payments of a benchmark, in parts that can be made side by side."""

from typing import Final

from benchmarks.settings import Stream
from cardwatch_generator.banks import Bank
from cardwatch_generator.settings import GeneratorSettings

START_MS: Final = 1_735_689_600_000
"""Event time of the first transaction: 2025-01-01T00:00:00Z."""
CARDS_PER_USER: Final = 2
CARDS_PER_TPS: Final = 600
"""Cards for each transaction a second of event time. A card pays every ten minutes: busier than
life, so that a few million transactions leave nobody out, yet with room for believable gaps."""
_FIRST_USER: Final = 1_000_001
_PAYMENT_SYSTEMS: Final = {"visa": 50.0, "mastercard": 40.0, "amex": 10.0}
_COUNTRIES: Final = ({"DE": 40.0, "FR": 30.0, "IT": 30.0}, {"GB": 60.0, "US": 40.0})


def part_of(stream: Stream, part: int, parts: int) -> GeneratorSettings:
    """Return the settings of one part of the stream: a bank of its own with its own users.

    Parts may be made at once: a user is in one of them only, so the order that matters, that of
    a user's transactions, does not depend on who is faster.
    """
    cards = stream.cards // parts
    users = cards // CARDS_PER_USER
    first = _FIRST_USER + part * users
    tps = cards / CARDS_PER_TPS
    return GeneratorSettings(
        seed=stream.seed + part,
        banks=(_bank(part, first, first + users - 1, tps),),
        cards=cards,
        # Dormant cards need years before the stream; without them their share would pay nothing.
        dormant_share=0.0,
        anomaly_share=0.02,
        sampled_share=stream.sampled_share,
        holidays=False,
        start_ms=START_MS,
        duration_s=stream.transactions / parts / tps,
        pace="max",
    )


def live(cards: int, tps: float, *, part: int, parts: int, seed: int) -> GeneratorSettings:
    """Return the settings of one part of a stream in real time.

    `tps`, transactions a second, and `cards` are those of all parts together.
    """
    users = cards // parts // CARDS_PER_USER
    first = _FIRST_USER + part * users
    return GeneratorSettings(
        seed=seed + part,
        banks=(_bank(part, first, first + users - 1, tps / parts),),
        cards=cards // parts,
        dormant_share=0.0,
        anomaly_share=0.02,
        holidays=False,
    )


def _bank(part: int, first_user: int, last_user: int, tps: float) -> Bank:
    # Limits travel with the transactions: the topic `cards` is read beside them, and which of
    # the two is ahead at the start must not decide whether there is an alert.
    return Bank(
        id=f"B{part}",
        first_user=first_user,
        last_user=last_user,
        tps=tps,
        countries=_COUNTRIES[part % len(_COUNTRIES)],
        payment_systems=_PAYMENT_SYSTEMS,
        sends_limit=True,
    )
