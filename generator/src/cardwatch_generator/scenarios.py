"""The anomaly scenarios, named like the detectors that look for them.

Each is a function from a case to the fraudster's payments, one or a series. They are drawn so
that a detector with its default thresholds finds most of them and misses some, as in life. One
whose detector is off by default occurs only where the mix of scenarios names it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np

from cardwatch_contracts.detector_config import VeryHighValueConfig
from cardwatch_generator.acts import (
    Case,
    far_away,
    gaps_ms,
    lognormal,
    payments_in,
    usual_amounts,
    without_pin,
)
from cardwatch_generator.payments import Payments
from cardwatch_generator.places import distances_km
from cardwatch_generator.purchases import PIN_FREE_LIMIT_MINOR

_HIGH_VALUE_MINOR: Final = VeryHighValueConfig().max_amount_minor
_MINUTE_MS: Final = 60_000
_FARTHEST_TRIP_KM: Final = 3_000.0
_TRIP_KMH: Final = 750.0


class Victim(Enum):
    """Which card a scenario needs."""

    ANY = auto()
    RECENT = auto()
    """One that was used a moment ago."""
    COMPANION = auto()
    """One whose user has just paid with another card."""
    DORMANT = auto()
    """One that is silent since more than 90 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How one kind of fraud is carried out."""

    victim: Victim
    mean_length: float
    """Mean number of payments in an episode."""
    act: Callable[[Case], Payments]


def amount_spike(case: Case) -> Payments:
    """Pay about 15 times the card's average; one in six times below ten times."""
    payments = payments_in(case, np.array([case.start_ms]))
    payments["amount_minor"] = np.rint(case.average_minor * lognormal(case.rng, 15.0, 0.42))
    return payments


def negative_amount(case: Case) -> Payments:
    """Refund what nobody paid for."""
    payments = payments_in(case, np.array([case.start_ms]))
    payments["amount_minor"] = -np.ceil(case.average_minor * lognormal(case.rng, 2.0, 0.7))
    return payments


def limit_exceeded(case: Case) -> Payments:
    """Pay about what the card allows, mostly more: the thief only guesses its limit."""
    payments = payments_in(case, np.array([case.start_ms]))
    payments["amount_minor"] = np.rint(case.limit_minor * lognormal(case.rng, 1.4, 0.25))
    return payments


def very_high_value(case: Case) -> Payments:
    """Pay more than is usual for any card; one in ten below the threshold."""
    payments = payments_in(case, np.array([case.start_ms]))
    payments["amount_minor"] = np.rint(_HIGH_VALUE_MINOR * lognormal(case.rng, 1.6, 0.37))
    return payments


def impossible_travel(case: Case) -> Payments:
    """Use a copy 300 to 9,000 km from where the card was minutes or hours ago."""
    start_ms = case.start_ms
    if case.last_ms is not None and case.rng.random() < 0.25:
        wait_ms = min(lognormal(case.rng, 40.0, 1.2), 360.0) * _MINUTE_MS
        start_ms = max(start_ms, case.last_ms + int(wait_ms))
    return far_away(case, np.array([start_ms]))


def multi_card_distance(case: Case) -> Payments:
    """Use one card of a user far from where the user has just paid with another."""
    return far_away(case, np.array([case.start_ms]))


def rapid_transactions(case: Case) -> Payments:
    """Pay two to five times within seconds, just after the cardholder did."""
    gaps = gaps_ms(case.rng, int(case.rng.integers(2, 6)), shortest_s=0.8, mean_s=4.5)
    start_ms = case.start_ms
    if case.last_ms is not None:
        start_ms = max(start_ms, case.last_ms + int(gaps[0]))
    return payments_in(case, start_ms + np.cumsum(gaps) - gaps[0])


def pin_avoidance(case: Case) -> Payments:
    """Pay three to six times just below the amount from which a PIN is asked.

    Nine in ten lie within a tenth of that limit; some thieves are slow.
    """
    count = int(case.rng.integers(3, 7))
    slow = case.rng.random() < 0.1
    gaps = gaps_ms(case.rng, count, shortest_s=10.5, mean_s=150.0 if slow else 14.0)
    payments = payments_in(case, case.start_ms + np.cumsum(gaps) - gaps[0])
    below = np.where(
        case.rng.random(count) < 0.9,
        case.rng.uniform(0.001, 0.1, count),
        case.rng.uniform(0.1, 0.4, count),
    )
    payments["amount_minor"] = np.floor(PIN_FREE_LIMIT_MINOR * (1 - below))
    without_pin(payments)
    return payments


def many_no_pin(case: Case) -> Payments:
    """Pay four to nine small amounts without PIN, as with a stolen card."""
    count = int(case.rng.integers(4, 10))
    gaps = gaps_ms(case.rng, count, shortest_s=5.0, mean_s=9.0)
    payments = payments_in(case, case.start_ms + np.cumsum(gaps) - gaps[0])
    highest = 0.85 * PIN_FREE_LIMIT_MINOR
    payments["amount_minor"] = np.minimum(usual_amounts(case, count), highest)
    without_pin(payments)
    return payments


def dormant_card(case: Case) -> Payments:
    """Use a card that lay in a drawer for months; often a second payment follows."""
    count = 1 + int(case.rng.random() < 0.3)
    gaps = gaps_ms(case.rng, count, shortest_s=20.0, mean_s=90.0)
    payments = payments_in(case, case.start_ms + np.cumsum(gaps) - gaps[0])
    payments["amount_minor"] = usual_amounts(case, count) * 2
    return payments


def unusual_location(case: Case) -> Payments:
    """Use a card 300 to 3,000 km from where it was, no sooner than a plane gets there.

    That takes up to four hours: a stream must be longer to show the far ones.
    """
    payments = far_away(case, np.array([case.start_ms]), farthest_km=_FARTHEST_TRIP_KM)
    if case.last_ms is not None:
        there = payments["latitude"], payments["longitude"]
        hours = distances_km(case.latitude, case.longitude, *there) / _TRIP_KMH
        arrival_ms = case.last_ms + np.ceil(hours * 60 * _MINUTE_MS)
        payments["time_ms"] = np.maximum(payments["time_ms"], arrival_ms)
    return payments


CATALOGUE: Final = {
    "amount_spike": Scenario(victim=Victim.ANY, mean_length=1, act=amount_spike),
    "negative_amount": Scenario(victim=Victim.ANY, mean_length=1, act=negative_amount),
    "limit_exceeded": Scenario(victim=Victim.ANY, mean_length=1, act=limit_exceeded),
    "very_high_value": Scenario(victim=Victim.ANY, mean_length=1, act=very_high_value),
    "impossible_travel": Scenario(victim=Victim.RECENT, mean_length=1, act=impossible_travel),
    "rapid_transactions": Scenario(victim=Victim.RECENT, mean_length=3.5, act=rapid_transactions),
    "pin_avoidance": Scenario(victim=Victim.ANY, mean_length=4.5, act=pin_avoidance),
    "many_no_pin": Scenario(victim=Victim.ANY, mean_length=6.5, act=many_no_pin),
    "dormant_card": Scenario(victim=Victim.DORMANT, mean_length=1.3, act=dormant_card),
    "multi_card_distance": Scenario(
        victim=Victim.COMPANION, mean_length=1, act=multi_card_distance
    ),
    "unusual_location": Scenario(victim=Victim.ANY, mean_length=1, act=unusual_location),
}
"""Every scenario by its name, which is the `label` of its transactions."""
