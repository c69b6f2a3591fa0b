from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.detectors.past import Past, detector_of
from tests.unit.transactions import make_transaction


def _past(*amounts: int, **settings: float) -> Past:
    past = Past(detector_of("amount_spike", **settings))
    for place, amount in enumerate(amounts):
        past.judge(make_transaction(amount_minor=amount, after_s=60 * place))
    return past


def test_ten_times_the_average_is_found_with_its_figures() -> None:
    # (10 + 20 + 30 + 40 + 50) / 5 = 30.00; 10 × 30.00 = 300.00; 450.00 / 30.00 = 15.
    finding = _past(1_000, 2_000, 3_000, 4_000, 5_000).score(make_transaction(amount_minor=45_000))

    assert finding is not None
    assert (finding.observed, finding.threshold, finding.baseline) == (45_000, 30_000, 3_000)
    assert finding.unit == "minor"
    assert finding.reason == "450.00 EUR is 15.0 times the card's average of 30.00 EUR"
    assert finding.counterfactual == "no finding below 300.00 EUR"


def test_it_abstains_until_the_average_stands_on_enough_amounts() -> None:
    spike = make_transaction(amount_minor=10**9)

    assert _past(1_000, 1_000, 1_000, 1_000).score(spike) is None
    assert _past(1_000, 1_000, 1_000, 1_000, 1_000).score(spike) is not None


def test_refunds_and_zeros_do_not_count_as_amounts() -> None:
    # Four amounts only: still warming up.
    past = _past(1_000, -5_000, 1_000, 0, 1_000, 1_000)

    assert past.score(make_transaction(amount_minor=10**9)) is None
    past.judge(make_transaction(amount_minor=1_000))
    finding = past.score(make_transaction(amount_minor=10_000))
    assert finding is not None
    assert finding.baseline == 1_000


def test_the_spike_itself_is_not_in_the_average_it_is_held_against() -> None:
    past = _past(1_000, 1_000, 1_000, 1_000, 1_000)
    spike = make_transaction(amount_minor=10_000)

    assert past.judge(spike) != ()
    # Now it is: (5 × 10 + 100) / 6 = 25.00, so 100.00 is four times the average.
    assert past.judge(spike) == ()


def test_a_threshold_between_two_minor_units_is_rounded_up_for_the_reader() -> None:
    # (1 + 1 + 1 + 1 + 3) / 5 = 1.4; 2.5 × 1.4 = 3.5 cents.
    past = _past(1, 1, 1, 1, 3, factor=2.5)

    assert past.score(make_transaction(amount_minor=3)) is None
    finding = past.score(make_transaction(amount_minor=4))
    assert finding is not None
    assert finding.threshold == 3.5
    assert finding.counterfactual == "no finding below 0.04 EUR"


def test_each_card_has_an_average_of_its_own() -> None:
    past = _past(1_000, 1_000, 1_000, 1_000, 1_000)

    assert past.score(make_transaction(amount_minor=10**9, card_id="card-2")) is None


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=60))
def test_the_average_is_the_mean_of_the_positive_amounts_so_far(amounts: list[int]) -> None:
    past = _past(*amounts, min_transactions=1)
    positive = [amount for amount in amounts if amount > 0]

    finding = past.score(make_transaction(amount_minor=10**17))

    if not positive:
        assert finding is None
    else:
        assert finding is not None
        assert finding.baseline == float(Fraction(sum(positive), len(positive)))


@given(
    st.lists(st.integers(1, 10**9), min_size=5, max_size=20),
    st.floats(1.01, 1000),
    st.integers(-1, 1),
)
def test_the_edge_is_where_the_counterfactual_says(
    amounts: list[int], factor: float, beside: int
) -> None:
    past = _past(*amounts, factor=factor)
    found = past.score(make_transaction(amount_minor=10**15))
    assert found is not None
    edge = int(found.counterfactual.removeprefix("no finding below ").translate(_ONLY_DIGITS))

    finding = past.score(make_transaction(amount_minor=edge + beside))

    assert (finding is None) == (beside < 0)


_ONLY_DIGITS = str.maketrans("", "", ",. EUR")
