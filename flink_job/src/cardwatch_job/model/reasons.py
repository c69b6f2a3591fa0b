"""What a feature says of a payment, in words, with what is usual beside it. Pure."""

from collections.abc import Callable, Mapping
from math import exp, log
from typing import Final

from cardwatch_contracts.money import format_amount
from cardwatch_job.model.compromise import BEGINS_PER_DAY, EPISODE_D
from cardwatch_job.model.habits import HOUR_BINS
from cardwatch_job.model.theft import AT_REST, STOLEN_SHARE

Seen = Mapping[str, float]
"""Features by name."""


def in_words(feature: str, seen: Seen, currency: str) -> str:
    """Return one sentence's worth of words for a feature of `FEATURES`."""
    return _WORDS[feature](seen, currency)


def _money(amount: float, currency: str) -> str:
    return format_amount(round(amount * 100), currency)


def _amount(seen: Seen, currency: str) -> str:
    amount, times = seen["amount"], seen["amount_times_usual"]
    paid = _money(amount, currency)
    if not seen["payments_known"] or times <= 0:
        return f"{paid}, of a user whose usual amount is not known"
    return f"{paid}, {times:.1f} times the user's usual {_money(amount / times, currency)}"


def _deviations(seen: Seen, currency: str) -> str:
    deviations = seen["amount_deviations"]
    side = "over" if deviations >= 0 else "under"
    return f"{_amount(seen, currency)}: {abs(deviations):.1f} standard deviations {side} it"


def _known(seen: Seen, _currency: str) -> str:
    return f"{seen['payments_known']:.0f} payments of the user are known"


def _pace(days: int) -> Callable[[Seen, str], str]:
    """Words for a fading count: in a steady stream it is the daily rate times its mean life."""

    def words(seen: Seen, _currency: str) -> str:
        rate = seen[f"payments_{days}d"] * log(2) / days
        usual = seen["payments_30d"] * log(2) / 30
        span = "day" if days == 1 else f"{days} days"
        return f"{rate:.1f} payments a day in about the last {span}, {usual:.1f} in the last 30"

    return words


def _mean(days: int) -> Callable[[Seen, str], str]:
    def words(seen: Seen, currency: str) -> str:
        recent, usual = seen[f"mean_amount_{days}d"], seen["mean_amount_30d"]
        span = "day" if days == 1 else f"{days} days"
        return (
            f"{_money(recent, currency)} on average in about the last {span}, "
            f"{_money(usual, currency)} in the last 30"
        )

    return words


def _high(seen: Seen, _currency: str) -> str:
    if seen["high_amounts_7d"] < 0.01:
        return "no amount far over the usual in the last days"
    return (
        "amounts far over the usual in the last days, together by "
        f"{seen['high_amounts_7d']:.1f} standard deviations; usually by none"
    )


def _gap(seen: Seen, _currency: str) -> str:
    rate = seen["payments_30d"] * log(2) / 30
    usual = f", usually {24 / rate:,.1f} h" if rate > 0 else ""
    return f"{seen['gap_h']:,.1f} h since the user's previous payment{usual}"


def _hour(seen: Seen, _currency: str) -> str:
    when = "at night" if seen["night"] else "by day"
    return (
        f"{when}, at an hour that has {seen['hour_share']:.0%} of the user's payments; "
        f"were all alike it would have {1 / HOUR_BINS:.0%}"
    )


def _weekend(seen: Seen, _currency: str) -> str:
    return "at a weekend" if seen["weekend"] else "on a working day"


def _visits(seen: Seen, _currency: str) -> str:
    visits = seen["merchant_visits"]
    if visits < 1:
        return "a merchant at which the user has not paid lately"
    return f"a merchant at which the user has paid {visits:.0f} times"


def _category(seen: Seen, _currency: str) -> str:
    return f"a trade that has {seen['category_share']:.0%} of the user's payments"


def _distance(seen: Seen, _currency: str) -> str:
    return f"{seen['distance_km']:,.0f} km from the user's usual place"


def _frauds(seen: Seen, _currency: str) -> str:
    frauds = seen["merchant_frauds"]
    if frauds < 1:
        return "no reported fraud speaks against the merchant"
    return (
        f"{frauds:.0f} reported frauds at the merchant that no user's habits explain, the first "
        f"{seen['merchant_first_fraud_d']:.1f} days ago, the latest "
        f"{seen['merchant_last_fraud_d']:.1f}; usually none"
    )


def _genuine(seen: Seen, currency: str) -> str:
    since = seen["merchant_genuine_since"]
    return f"{_frauds(seen, currency)}; {since:.0f} payments since were genuine"


def _share(days: int) -> Callable[[Seen, str], str]:
    def words(seen: Seen, currency: str) -> str:
        share = seen[f"merchant_fraud_share_{days}d"]
        return f"{share:.0%} of what was reported of the merchant in about {days} days was fraud"

    return words


def _explained(seen: Seen, _currency: str) -> str:
    return (
        f"{seen['merchant_explained_30d']:.1f} reported frauds at the merchant in about 30 days "
        "with cards that were stolen elsewhere"
    )


def _user(seen: Seen, _currency: str) -> str:
    return f"{seen['user_frauds_30d']:.1f} reported frauds of the user in about 30 days"


def _by_signs(name: str, signs: str, usual: float) -> Callable[[Seen, str], str]:
    """Words for odds that are worked out from signs; their logarithm is the feature."""

    def words(seen: Seen, _currency: str) -> str:
        share = 1 / (1 + exp(-seen[name]))
        return f"{signs} ({share:.1%} by a rough reckoning, {usual:.1%} without any sign)"

    return words


_WORDS: Final[Mapping[str, Callable[[Seen, str], str]]] = {
    "amount": _amount,
    "amount_deviations": _deviations,
    "amount_times_usual": _amount,
    "amount_log_deviations": _amount,
    "payments_known": _known,
    "payments_1d": _pace(1),
    "payments_7d": _pace(7),
    "payments_30d": _pace(30),
    "mean_amount_1d": _mean(1),
    "mean_amount_7d": _mean(7),
    "mean_amount_30d": _mean(30),
    "high_amounts_7d": _high,
    "gap_h": _gap,
    "night": _hour,
    "weekend": _weekend,
    "hour_share": _hour,
    "merchant_visits": _visits,
    "category_share": _category,
    "distance_km": _distance,
    "user_stolen_odds": _by_signs(
        "user_stolen_odds",
        "amounts of the user's latest payments that point to a stolen card",
        AT_REST,
    ),
    "payment_stolen_odds": _by_signs(
        "payment_stolen_odds",
        "an amount that points to a stolen card, after the payments before it",
        AT_REST * STOLEN_SHARE,
    ),
    "merchant_frauds": _frauds,
    "merchant_first_fraud_d": _frauds,
    "merchant_last_fraud_d": _frauds,
    "merchant_genuine_since": _genuine,
    "merchant_fraud_share_7d": _share(7),
    "merchant_fraud_share_30d": _share(30),
    "merchant_explained_30d": _explained,
    "merchant_compromised_odds": _by_signs(
        "merchant_compromised_odds",
        "reports that point to a compromised terminal of the merchant",
        BEGINS_PER_DAY * EPISODE_D,
    ),
    "user_frauds_30d": _user,
}
