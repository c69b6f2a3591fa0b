from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray
from tests.unit.model.paying import BEGINS_MS, stream

from cardwatch_job.model.artefact import Artefact, Kind, encode_artefact, read_artefact
from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.scorer import Scorer
from cardwatch_local.errors import StackError
from cardwatch_local.progress import SilentListener
from cardwatch_local.training import forests
from cardwatch_local.training.forests import fit
from cardwatch_local.training.judging import drifted, judge
from cardwatch_local.training.payments import DAY_MS, UNKNOWN, Payments
from cardwatch_local.training.replay import Replayed, replay
from cardwatch_local.training.scorecard import ENTRANTS, look, measure, scored_week, summary
from cardwatch_local.training.scoring import risks_of, vectors
from cardwatch_local.training.train import Wanted, raw_scores, rows_of, train, window

pytest.importorskip("sklearn")

_END_MS = BEGINS_MS + 40 * DAY_MS


def _wanted(**changes: Any) -> Wanted:
    plain: dict[str, Any] = {
        "name": "small",
        "kind": "boostedTrees",
        "begins_ms": BEGINS_MS + 5 * DAY_MS,
        "ends_ms": BEGINS_MS + 33 * DAY_MS,
        "known_until_ms": _END_MS,
        "alerts_per_thousand_cards_a_day": 50.0,
    }
    return Wanted(**(plain | changes))


@pytest.fixture(scope="module", autouse=True)
def few_trees() -> Any:
    """Small models: these tests are of what is made of trees, not of how many there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forests, "BOOSTED_TREES", 20)
        patch.setattr(forests, "FOREST_TREES", 20)
        yield


@pytest.fixture(scope="module")
def payments() -> Payments:
    return stream(payments=3_000)


@pytest.fixture(scope="module")
def replayed(payments: Payments) -> Replayed:
    """Every payment's features, from which each test takes those of its window."""
    return replay(payments, np.ones(len(payments), bool))


def _trained(payments: Payments, wanted: Wanted, replayed: Replayed | None = None) -> Artefact:
    replayed = replayed or replay(payments, window(payments, wanted))
    return train(rows_of(payments, replayed, wanted), wanted, SilentListener())


@pytest.fixture(scope="module")
def boosted(payments: Payments, replayed: Replayed) -> Artefact:
    return _trained(payments, _wanted(), replayed)


def _drawn(rows: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    draws = np.random.default_rng(5)
    features = draws.normal(size=(rows, 4)).astype(np.float32)
    return features, features[:, 0] + 0.3 * draws.normal(size=rows) > 1.5


def test_boosted_trees_score_as_scikit_learn_has_it() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    features, bad = _drawn(2_000)
    fitted = fit("boostedTrees", features, bad, 3)
    with threadpool_limits(limits=1):
        theirs = HistGradientBoostingClassifier(
            max_iter=20,
            learning_rate=0.05,
            max_leaf_nodes=8,
            max_features=0.5,
            min_samples_leaf=50,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=3,
        ).fit(features, bad)

    fitted.trees.check(4)
    ours = raw_scores(fitted.trees, fitted.base, features)
    assert ours == pytest.approx(theirs.decision_function(features), abs=1e-9)


def test_an_isolation_forest_ranks_as_scikit_learn_has_it() -> None:
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415

    features, bad = _drawn(600)
    fitted = fit("isolationForest", features, bad, 3)
    theirs = IsolationForest(n_estimators=20, max_samples=600, random_state=3).fit(features)

    fitted.trees.check(4)
    ours = raw_scores(fitted.trees, fitted.base, features)
    # Liu, Ting and Zhou 2008, equation 2, with the expected length for 600 rows.
    expected = 2 * (np.log(599) + np.euler_gamma) - 2 * 599 / 600
    assert 2 ** (ours / expected) == pytest.approx(-theirs.score_samples(features), abs=1e-9)


@pytest.mark.parametrize("kind", ["boostedTrees", "isolationForest"])
def test_contributions_of_a_trained_model_add_up_to_its_score(
    payments: Payments, replayed: Replayed, kind: Kind
) -> None:
    artefact = _trained(payments, _wanted(kind=kind), replayed)
    scorer = Scorer(artefact)

    for row in replayed.features[-50:]:
        mean, changes = scorer.contributions(vectors(row))
        assert mean + sum(changes) == pytest.approx(scorer.raw(vectors(row))[0], abs=1e-9)
    assert read_artefact(encode_artefact(artefact)) == artefact


def test_the_same_seed_gives_the_same_model(payments: Payments, boosted: Artefact) -> None:
    assert _trained(payments, _wanted()).hash == boosted.hash


def test_what_comes_after_the_known_labels_changes_no_model(
    payments: Payments, boosted: Artefact
) -> None:
    wanted = _wanted(known_until_ms=BEGINS_MS + 36 * DAY_MS)
    later = payments.event_time >= wanted.known_until_ms
    amounts = np.where(later, 1, payments.amount_minor)
    labels = np.where(payments.known_at > wanted.known_until_ms, 1, payments.label)
    columns = {name: getattr(payments, name) for name in payments.__dataclass_fields__}
    changed = Payments(**(columns | {"amount_minor": amounts, "label": labels}))

    assert _trained(changed, wanted).hash == _trained(payments, wanted).hash
    assert _trained(payments, wanted).hash != boosted.hash


def test_a_model_finds_compromised_merchants_by_feedback_alone(
    payments: Payments, replayed: Replayed
) -> None:
    # Enough for the frauds of the last days, whose scores are all alike.
    found = _trained(payments, _wanted(alerts_per_thousand_cards_a_day=200.0), replayed).metrics
    blind = _trained(payments, _wanted(with_labels=False), replayed).metrics

    assert found["auc_roc"] > 0.9
    assert found["auc_roc"] > blind["auc_roc"] + 0.15
    assert found["recall"] > 0.9
    assert found["alerts"] <= found["alerts_allowed"] <= 200 * 60 / 1000 * 6


def test_a_forest_needs_no_label(payments: Payments) -> None:
    columns = {name: getattr(payments, name) for name in payments.__dataclass_fields__}
    silent = Payments(**(columns | {"label": np.full(len(payments), UNKNOWN)}))

    artefact = _trained(silent, _wanted(kind="isolationForest", with_labels=False))

    assert artefact.features == ("amount", "amount_deviations", "amount_times_usual")
    assert artefact.calibration.source == "ranks"
    assert (artefact.training.frauds, "auc_roc" in artefact.metrics) == (0, False)


def test_what_cannot_be_learned_from_is_refused_with_what_to_do(
    payments: Payments, replayed: Replayed
) -> None:
    columns = {name: getattr(payments, name) for name in payments.__dataclass_fields__}
    silent = Payments(**(columns | {"label": np.full(len(payments), UNKNOWN)}))
    with pytest.raises(StackError, match="--kind isolation-forest"):
        _trained(silent, _wanted(), replayed)
    with pytest.raises(StackError, match="at least 100 are needed"):
        _trained(payments, _wanted(begins_ms=BEGINS_MS + 33 * DAY_MS - 1), replayed)


def test_a_given_threshold_takes_the_place_of_the_budget(
    payments: Payments, replayed: Replayed
) -> None:
    artefact = _trained(payments, _wanted(threshold=0.25), replayed)
    assert artefact.threshold == 0.25
    assert artefact.alerts_per_thousand_cards_a_day is None
    assert "alerts_allowed" not in artefact.metrics


def test_judging_a_stream_alerts_at_the_threshold_and_gives_reasons(
    payments: Payments, boosted: Artefact
) -> None:
    judged = judge(boosted, payments, SilentListener())

    riskiest = judged.riskiest(5)
    assert judged.risks[riskiest[0]] == judged.risks.max() >= boosted.threshold
    assert all(judged.reasons(row, "EUR") for row in riskiest)
    assert judged.features.shape == (len(payments), len(FEATURES))
    assert np.array_equal(judged.risks, risks_of(boosted, judged.features))


def test_a_feature_that_moved_away_from_training_is_told(
    payments: Payments, replayed: Replayed, boosted: Artefact
) -> None:
    features = replayed.features[window(payments, _wanted())]
    assert drifted(boosted, features) == []

    features[:, FEATURES.index("gap_h")] *= 10
    ((name, shift),) = drifted(boosted, features)
    assert name == "gap_h"
    assert shift > 1


def test_a_stream_of_another_year_is_not_the_handbooks(payments: Payments) -> None:
    shifted = payments.event_time + 365 * DAY_MS
    columns = {name: getattr(payments, name) for name in payments.__dataclass_fields__}
    with pytest.raises(StackError, match="not the handbook's"):
        scored_week(Payments(**(columns | {"event_time": shifted})))


def test_users_known_to_be_compromised_are_left_out_of_the_scored_week() -> None:
    payments = stream(days=50, payments=3_000)
    week = scored_week(payments)
    days = payments.event_time // DAY_MS
    first = int(week.days.min())
    _, users = np.unique(payments.user_id, return_inverse=True)
    bad = payments.label == 1

    assert first == 17_751  # 2018-08-08
    assert int(week.days.max()) == first + 6
    for day in range(first, first + 7):
        known = set(users[bad & (days >= first - 14) & (days <= day - 8)].tolist())
        scored = set(week.users[week.days == day].tolist())
        assert scored
        assert scored.isdisjoint(known)
        assert scored | known >= set(users[days == day].tolist())


def test_an_artefact_with_another_threshold_has_another_hash(boosted: Artefact) -> None:
    changed = encode_artefact(replace(boosted, threshold=0.123))
    with pytest.raises(ValueError, match="not what its hash says"):
        read_artefact(changed)


def test_the_scorecard_measures_each_entrant_with_each_seed() -> None:
    payments = stream(days=50, payments=3_000)
    entrants = [each for each in ENTRANTS if each.name in ("forest", "boosted-feedback")]

    found = list(measure(payments, look(payments, SilentListener()), (1, 2), entrants))

    assert [(each.entrant, each.seed) for each in found] == [
        ("forest", 1),
        ("forest", 2),
        ("boosted-feedback", 1),
        ("boosted-feedback", 2),
    ]
    means = summary(found)
    assert means["boosted-feedback"]["auc_roc"] > means["forest"]["auc_roc"]
    spread = abs(found[0].auc_roc - found[1].auc_roc)
    assert means["forest"]["spread"]["auc_roc"] == pytest.approx(spread)
    assert means["forest"]["auc_roc"] == pytest.approx((found[0].auc_roc + found[1].auc_roc) / 2)
