import math

import pytest

from cardwatch_job.model.compromise import (
    BEGINS_PER_DAY,
    EPISODE_D,
    REMEMBERED_D,
    Judged,
    compromised_log_odds,
    suspicion_of,
)
from cardwatch_job.model.habits import Amounts
from cardwatch_job.model.theft import (
    AT_REST,
    MOST_ODDS,
    STOLEN_D,
    STOLEN_PER_DAY,
    odds_after,
    odds_with,
    payment_odds,
    times_of,
)
from cardwatch_local.training.payments import DAY_MS


def _judged(day: int, *, fraudulent: bool, deviations: float = 0.0) -> Judged:
    return Judged(day * DAY_MS + 5, day * DAY_MS + 6, fraudulent, deviations)


def _at(day: int, heard: list[Judged], last_genuine_day: int | None = None) -> float:
    return compromised_log_odds(day * DAY_MS, suspicion_of(heard), last_genuine_day)


def test_without_a_payment_the_odds_go_towards_those_at_rest() -> None:
    rate = STOLEN_PER_DAY + 1 / STOLEN_D

    after_a_day = odds_after(0.0, DAY_MS)

    share = AT_REST * (1 - math.exp(-rate))
    assert after_a_day == pytest.approx(share / (1 - share))
    for odds in (0.0, 1.0, MOST_ODDS):
        assert odds_after(odds, 365 * DAY_MS) == pytest.approx(AT_REST / (1 - AT_REST), rel=1e-6)
        assert odds_after(odds, -DAY_MS) == pytest.approx(odds, rel=1e-6)


def test_an_amount_is_as_likely_a_thiefs_as_the_bell_curves_say() -> None:
    amounts = Amounts(mean=20.0, variance=100.0)

    # 50: three deviations over the owner's mean, a fifth of it one under.
    assert times_of(amounts, 50.0) == pytest.approx(math.exp(0.5 * (9 - 1)) / 5)
    # 20: on the mean; a fifth of it 1.6 deviations under.
    assert times_of(amounts, 20.0) == pytest.approx(math.exp(-0.5 * 1.6**2) / 5)
    # However far, no more than so many times.
    assert times_of(amounts, 1e13) == pytest.approx(math.exp(9) / 5)


def test_odds_follow_what_is_paid() -> None:
    assert odds_with(0.01, 4.0) == pytest.approx(0.01 * (2 / 3 + 4 / 3))
    assert odds_with(MOST_ODDS, 1e4) == MOST_ODDS
    # A card that is as likely stolen as not, a third of whose payments are then the thief's.
    assert payment_odds(1.0, 1.0) == pytest.approx((1 / 6) / (5 / 6))
    assert payment_odds(1.0, 0.0) == 0


def test_a_fraud_that_the_amount_explains_weighs_less() -> None:
    plain, larger, huge = (
        _judged(1, fraudulent=True, deviations=deviations).weight for deviations in (0.0, 3.0, 9.0)
    )
    assert plain == pytest.approx(-math.log(3e-4))
    odds = 0.0028 * math.exp(0.5 * (9 - 1)) / 5
    assert larger == pytest.approx(-math.log(odds / (1 + odds)))
    assert huge == pytest.approx(0, abs=1e-6)


def test_one_fraud_speaks_for_the_spans_it_lies_in() -> None:
    fraud = _judged(100, fraudulent=True)
    of_one = BEGINS_PER_DAY / 3e-4  # odds of a span that holds it, for each day it may begin

    # On its own day all of the 28 spans that hold it are not over, a week later 21 of them.
    for day, spans in ((100, 28), (107, 21), (127, 1)):
        fresh = BEGINS_PER_DAY * (day - 100)
        share = (spans * of_one + fresh) / (1 + 28 * of_one + fresh)
        expected = math.log(share / (1 - share))
        assert _at(day, [fraud]) == pytest.approx(expected, rel=1e-6), day
    over = BEGINS_PER_DAY * EPISODE_D / (1 + 28 * of_one + BEGINS_PER_DAY * EPISODE_D)
    assert _at(200, [fraud]) == pytest.approx(math.log(over / (1 - over)), rel=1e-6)


def test_genuine_payments_after_a_fraud_speak_against_it() -> None:
    fraud = _judged(100, fraudulent=True)
    heard = [fraud, _judged(105, fraudulent=False)]

    # Spans that begin on days 73 to 77 are over before the genuine one; in 23 it lies too.
    of_one = BEGINS_PER_DAY / 3e-4
    spans = [of_one] * 5 + [of_one * 0.01] * 23 + [BEGINS_PER_DAY * 0.01] * 5
    on_the_day = sum(spans[5:])
    share = on_the_day / (1 + sum(spans))
    assert _at(105, heard, 105) == pytest.approx(math.log(share / (1 - share)), rel=1e-6)
    assert _at(105, heard, 105) < _at(105, [fraud])


def test_where_no_fraud_is_known_a_genuine_payment_speaks_for_a_while() -> None:
    genuine = [_judged(100, fraudulent=False)]

    assert suspicion_of(genuine) is None
    assert _at(110, genuine, 100) == pytest.approx(math.log(10 * BEGINS_PER_DAY), rel=1e-6)
    assert _at(500, genuine, 100) == pytest.approx(math.log(28 * BEGINS_PER_DAY), rel=1e-6)
    assert _at(100, []) == pytest.approx(math.log(28 * BEGINS_PER_DAY), rel=1e-6)
    # One that is late, or on the very day: no span can have begun since.
    assert _at(99, genuine, 100) == _at(100, genuine, 100) == pytest.approx(math.log(1e-9))


def test_what_is_long_ago_says_nothing() -> None:
    fraud = _judged(100, fraudulent=True)

    assert suspicion_of([fraud, _judged(100 + REMEMBERED_D - 1, fraudulent=False)]) is not None
    assert suspicion_of([fraud, _judged(100 + REMEMBERED_D, fraudulent=False)]) is None


def test_the_order_in_which_it_is_heard_changes_nothing() -> None:
    heard = [_judged(day, fraudulent=day % 3 == 0, deviations=day / 50) for day in range(90, 120)]

    assert _at(120, heard) == pytest.approx(_at(120, heard[::-1]))
