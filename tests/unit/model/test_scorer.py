from array import array

import pytest
from tests.unit.model.made import artefact
from tests.unit.model.paying import lesson, paid

from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.memory import Memory
from cardwatch_job.model.reasons import in_words
from cardwatch_job.model.scorer import Scorer, risk_of


def _vector(**seen: float) -> "array[float]":
    return array("f", [seen.get(name, 0.0) for name in FEATURES])


def test_a_model_of_some_features_reads_them_at_their_places() -> None:
    scorer = Scorer(artefact())
    rows = _vector(amount=200, merchant_frauds=1) + _vector(amount=50) + _vector(amount=200)

    assert list(scorer.raw(rows)) == [4.5, -1.5, 0.5]
    assert scorer.risks(rows) == [1.0, 0.0, 0.2]


@pytest.mark.parametrize(
    ("raw", "risk"), [(-9, 0.0), (-1.5, 0.0), (-0.5, 0.1), (0.5, 0.2), (2.5, 0.6), (9, 1.0)]
)
def test_a_risk_lies_on_the_line_between_two_points(raw: float, risk: float) -> None:
    assert risk_of(raw, artefact().calibration) == pytest.approx(risk)


def test_a_vector_with_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        Scorer(artefact()).risks(_vector(amount=float("nan")))


def test_reasons_are_what_raised_the_score_the_strongest_first() -> None:
    vector = _vector(
        amount=200,
        amount_times_usual=4,
        payments_known=9,
        merchant_frauds=2,
        merchant_first_fraud_d=9.5,
        merchant_last_fraud_d=8.0,
    )

    first, second = Scorer(artefact()).reasons(vector, "EUR")

    assert (first.feature, first.contribution) == ("merchant_frauds", 2.0)
    assert first.text == (
        "2 reported frauds at the merchant that no user's habits explain, the first 9.5 days ago, "
        "the latest 8.0; usually none"
    )
    assert (second.feature, second.contribution) == ("amount", 1.5)
    assert second.text == "200.00 EUR, 4.0 times the user's usual 50.00 EUR"


def test_what_lowers_the_score_is_no_reason() -> None:
    assert Scorer(artefact()).reasons(_vector(amount=50), "EUR") == ()


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_has_words_for_a_new_user_and_a_known_one(feature: str) -> None:
    memory = Memory()
    new = dict(zip(FEATURES, memory.look(paid()), strict=True))
    for number in range(6):
        memory.learn(paid(number), alerted=False)
    memory.hear(lesson(paid(1)))
    known = dict(zip(FEATURES, memory.look(paid(9, amount_minor=-7_000)), strict=True))

    for seen in (new, known):
        words = in_words(feature, seen, "EUR")
        assert words[0].isdigit() or words[0].islower() or words[0] == "-"
        assert "nan" not in words
    assert in_words(feature, known, "EUR").isprintable()


def test_a_pace_is_told_in_payments_a_day() -> None:
    memory = Memory()
    for number in range(24 * 90):  # one an hour for three half-lives of the longest
        memory.learn(paid(number), alerted=False)
    seen = dict(zip(FEATURES, memory.look(paid(24 * 90)), strict=True))

    words = in_words("payments_1d", seen, "EUR")

    # 24, less half an hour's; after three half-lives an eighth of the longest is missing.
    assert words == "23.7 payments a day in about the last day, 21.0 in the last 30"
