"""What a model sees of a payment: numbers worked out from its past, the same in job and training.

Event time only; nothing here is changed by looking. A number that is not known yet has a neutral
value, and `payments_known` says how much the others stand on.
"""

import math
from array import array
from typing import Final

from cardwatch_job.detectors._travel import distance_km
from cardwatch_job.model.decayed import DAY_MS, fading
from cardwatch_job.model.habits import MIN_PAYMENTS, Payment
from cardwatch_job.model.merchant import MerchantMemory
from cardwatch_job.model.names import hash_of
from cardwatch_job.model.theft import log_odds, payment_odds, times_of
from cardwatch_job.model.user import DAYS, UserMemory

_HOUR_MS: Final = 3_600_000
_NIGHT_H: Final = 6
_LONGEST_GAP_H: Final = 30 * 24.0
_NEVER_D: Final = 99.0
"""Days since what never happened."""
_MONDAY: Final = 3
"""1970-01-01 was a Thursday."""

WITHOUT_LABELS: Final = (
    "amount",
    "amount_deviations",
    "amount_times_usual",
    "amount_log_deviations",
    "payments_known",
    "payments_1d",
    "payments_7d",
    "payments_30d",
    "mean_amount_1d",
    "mean_amount_7d",
    "mean_amount_30d",
    "high_amounts_7d",
    "gap_h",
    "night",
    "weekend",
    "hour_share",
    "merchant_visits",
    "category_share",
    "distance_km",
    "user_stolen_odds",
    "payment_stolen_odds",
)
WITH_LABELS: Final = (
    "merchant_frauds",
    "merchant_first_fraud_d",
    "merchant_last_fraud_d",
    "merchant_genuine_since",
    "merchant_fraud_share_7d",
    "merchant_fraud_share_30d",
    "merchant_explained_30d",
    "merchant_compromised_odds",
    "user_frauds_30d",
)
"""These are learned from feedback."""
FEATURES_VERSION: Final = 2
"""Raised when a feature gets another meaning under its old name."""
FEATURES: Final = WITHOUT_LABELS + WITH_LABELS
"""All of them, in the order of a vector."""
AMOUNT_DEVIATIONS: Final = FEATURES.index("amount_deviations")
"""Where in a vector it stands by how many standard deviations the amount is over the usual."""
PAYMENTS_KNOWN: Final = FEATURES.index("payments_known")
"""Where in a vector it stands on how many payments a user's habits are based."""
DISTANCE_KM: Final = FEATURES.index("distance_km")
"""Where in a vector the distance from the user's usual place stands."""


_NOBODY: Final = UserMemory()
_NO_MERCHANT: Final = MerchantMemory()


def features_of(
    payment: Payment, user: UserMemory | None, merchant: MerchantMemory | None
) -> "array[float]":
    """Return a payment's features as 32-bit numbers, in the order of `FEATURES`.

    `user` and `merchant`: what is remembered of them; None where there is nothing.
    """
    user = user or _NOBODY
    left = [fading(payment.event_time - user.last_ms, days) for days in DAYS]
    return array(
        "f",
        (
            *_amounts(payment, user),
            *_activity(payment, user, left),
            *_habits(payment, user),
            *_theft(payment, user),
            *_labels(payment.event_time, merchant or _NO_MERCHANT),
            user.frauds * left[2],
        ),
    )


def _amounts(payment: Payment, user: UserMemory) -> tuple[float, ...]:
    amount = payment.amount_minor / 100
    habits = user.habits
    if habits.payments < MIN_PAYMENTS:
        return amount, 0.0, 1.0, 0.0, habits.payments
    return (
        amount,
        habits.amounts.deviations(amount),
        amount / max(habits.amounts.mean, 0.01),
        habits.logarithms.deviations(math.log1p(max(amount, 0.0))),
        habits.payments,
    )


def _activity(payment: Payment, user: UserMemory, left: list[float]) -> tuple[float, ...]:
    if not user.seen:
        return *user.counts, *user.totals, 0.0, _LONGEST_GAP_H
    counts = [count * share for count, share in zip(user.counts, left, strict=True)]
    means = [total / count for total, count in zip(user.totals, user.counts, strict=True)]
    gap_h = min(abs(payment.event_time - user.last_ms) / _HOUR_MS, _LONGEST_GAP_H)
    return *counts, *means, user.high * left[1], gap_h


def _habits(payment: Payment, user: UserMemory) -> tuple[float, ...]:
    now, habits = payment.event_time, user.habits
    day = (now // DAY_MS + _MONDAY) % 7
    place = habits.usual_place()
    return (
        float(now % DAY_MS < _NIGHT_H * _HOUR_MS),
        float(day >= 5),
        habits.hour_share(now),
        habits.merchants.get(hash_of(payment.merchant_id), 0.0),
        habits.category_share(hash_of(payment.merchant_category)),
        0.0 if place is None else distance_km(payment.latitude, payment.longitude, *place),
    )


def _theft(payment: Payment, user: UserMemory) -> tuple[float, ...]:
    odds = user.stolen_at(payment.event_time)
    times = 0.0
    if user.habits.payments >= MIN_PAYMENTS:
        times = times_of(user.habits.amounts, payment.amount_minor / 100)
    return log_odds(odds), log_odds(payment_odds(odds, times))


def _labels(now: int, merchant: MerchantMemory) -> tuple[float, ...]:
    episode = merchant.episode(now)
    return (
        episode.frauds if episode else 0.0,
        (now - episode.first_ms) / DAY_MS if episode else _NEVER_D,
        (now - episode.last_ms) / DAY_MS if episode else _NEVER_D,
        merchant.genuine_since if episode else 0.0,
        *merchant.shares(now),
        merchant.compromised(now),
    )
