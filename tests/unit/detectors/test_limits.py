"""The three detectors that look at one amount: negative, over the card's limit, very high."""

import pytest
from tests.unit.detectors.past import Past, detector_of
from tests.unit.transactions import make_transaction


def test_an_amount_below_zero_is_found_with_its_figures() -> None:
    finding = Past(detector_of("negative_amount")).score(make_transaction(amount_minor=-1_234))

    assert finding is not None
    assert (finding.observed, finding.threshold, finding.baseline) == (-1_234, 0, None)
    assert finding.reason == "amount of -12.34 EUR is below zero"
    assert finding.counterfactual == "no finding from 0.00 EUR"


@pytest.mark.parametrize(("amount_minor", "found"), [(-(10**15), True), (-1, True), (0, False)])
def test_zero_is_not_below_zero(amount_minor: int, found: bool) -> None:
    past = Past(detector_of("negative_amount"))

    assert (past.score(make_transaction(amount_minor=amount_minor)) is not None) == found


def test_an_amount_over_the_card_limit_is_found_with_its_figures() -> None:
    txn = make_transaction(amount_minor=60_000, card_limit_minor=50_000)

    finding = Past(detector_of("limit_exceeded")).score(txn)

    assert finding is not None
    assert (finding.observed, finding.threshold) == (60_000, 50_000)
    assert finding.reason == "600.00 EUR is over the card's limit of 500.00 EUR"
    assert finding.counterfactual == "no finding up to 500.00 EUR"


def test_an_amount_of_just_the_limit_is_within_it() -> None:
    past = Past(detector_of("limit_exceeded"))

    assert past.score(make_transaction(amount_minor=50_000, card_limit_minor=50_000)) is None
    assert past.score(make_transaction(amount_minor=50_001, card_limit_minor=50_000)) is not None


def test_without_a_known_limit_nothing_exceeds_it() -> None:
    assert Past(detector_of("limit_exceeded")).score(make_transaction(amount_minor=10**15)) is None


def test_the_limit_on_record_holds_where_the_transaction_brings_none() -> None:
    past = Past(detector_of("limit_exceeded"))
    past.user.card("card-1").limit_minor = 50_000

    assert past.score(make_transaction(amount_minor=50_001)) is not None
    assert past.score(make_transaction(amount_minor=50_000)) is None
    assert past.score(make_transaction(amount_minor=50_001, card_id="card-2")) is None


def test_the_limit_that_the_transaction_brings_wins_over_the_one_on_record() -> None:
    past = Past(detector_of("limit_exceeded"))
    past.user.card("card-1").limit_minor = 50_000

    assert past.score(make_transaction(amount_minor=60_000, card_limit_minor=70_000)) is None
    assert past.score(make_transaction(amount_minor=40_000, card_limit_minor=30_000)) is not None


def test_an_amount_over_ten_thousand_is_found_with_its_figures() -> None:
    finding = Past(detector_of("very_high_value")).score(make_transaction(amount_minor=1_000_001))

    assert finding is not None
    assert (finding.observed, finding.threshold) == (1_000_001, 1_000_000)
    assert finding.reason == "10,000.01 EUR is over 10,000.00 EUR"
    assert finding.counterfactual == "no finding up to 10,000.00 EUR"


def test_ten_thousand_itself_is_not_very_high() -> None:
    past = Past(detector_of("very_high_value"))

    assert past.score(make_transaction(amount_minor=1_000_000)) is None
    assert past.score(make_transaction(amount_minor=-(10**15))) is None


def test_the_threshold_is_in_minor_units_of_the_transaction_s_own_currency() -> None:
    past = Past(detector_of("very_high_value", max_amount_minor=5_000))

    # The yen has no minor unit: 5,001 of them; of the dinar 5.001.
    for currency, written in (("JPY", "5,001 JPY"), ("KWD", "5.001 KWD")):
        finding = past.score(make_transaction(amount_minor=5_001, currency=currency))
        assert finding is not None
        assert finding.reason.startswith(f"{written} is over ")
