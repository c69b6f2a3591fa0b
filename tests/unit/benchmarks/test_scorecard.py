"""The scorecard's records, figures and what it makes of alerts."""

from array import array
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from benchmarks.__main__ import app
from benchmarks.scorecard.configs import IN_THE_SHADOW, Pair, config_of
from benchmarks.scorecard.figures import (
    Reached,
    Share,
    skew_of,
    summary_of,
    wilson,
)
from benchmarks.scorecard.generated import detected, settings_of
from benchmarks.scorecard.generated_model import model_for
from benchmarks.scorecard.onlooker import NO, YES, onlooker, told_of
from benchmarks.scorecard.records import World
from benchmarks.scorecard.seen import Seen
from tests.unit.model.paying import BEGINS_MS, paid
from tests.unit.transactions import make_transaction
from typer.testing import CliRunner

from cardwatch_contracts.alert import Alert, Finding, alert_id_of
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import parse_detector_config
from cardwatch_contracts.feedback import decode_feedback
from cardwatch_contracts.topics import FEEDBACK, TRANSACTIONS
from cardwatch_contracts.transaction import decode_transaction
from cardwatch_job.model.artefact import Artefact, encode_artefact, read_artefact
from cardwatch_job.model.features import FEATURES, WITHOUT_LABELS
from cardwatch_job.model.scorer import Scorer
from cardwatch_local.progress import SilentListener
from cardwatch_local.training import forests
from cardwatch_local.training.scorecard import ScoredWeek


@pytest.fixture
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small model: the tests are of what it is trained on."""
    monkeypatch.setattr(forests, "BOOSTED_TREES", 20)


def _finding(detector: str, observed: float = 2.0) -> Finding:
    return Finding(
        detector=detector,
        observed=observed,
        threshold=1,
        unit="risk",
        reason="because",
        counterfactual="none",
    )


def _alert(
    transaction_id: str,
    findings: Sequence[Finding],
    *,
    label: str | None = None,
    risk: float | None = None,
    amount_deviations: float | None = None,
) -> Alert:
    return Alert(
        alert_id=alert_id_of(transaction_id),
        transaction=make_transaction(transaction_id=transaction_id, label=label),
        findings=tuple(findings),
        config="c",
        generation=1,
        ingested_at=0,
        risk=risk,
        amount_deviations=amount_deviations,
    )


def test_a_payment_and_what_becomes_known_of_it_are_records_of_one_world() -> None:
    world, payment = World("b"), paid(3, amount_minor=1_234)

    key, value = world.transaction(payment)
    transaction = decode_transaction(value)
    told_key, told_value = world.feedback(
        payment, fraudulent=True, given_at=payment.event_time + 5, amount_deviations=1.5
    )
    feedback = decode_feedback(told_value)

    assert (key, told_key) == (b"b-user-u", b"b-t3")
    assert (transaction.transaction_id, transaction.amount_minor) == ("b-t3", 1_234)
    assert feedback.alert_id == alert_id_of("b-t3")
    for name in ("transaction_id", "user_id", "card_id", "merchant_id", "bank_id", "event_time"):
        assert getattr(feedback, name) == getattr(transaction, name)
    assert (feedback.label, feedback.amount_deviations) == ("fraudulent", 1.5)
    assert transaction.label is None


def test_two_worlds_share_nobody() -> None:
    ones, others = (decode_transaction(World(bank).transaction(paid(3))[1]) for bank in ("a", "b"))

    for name in ("transaction_id", "user_id", "card_id", "merchant_id", "bank_id"):
        assert getattr(ones, name) != getattr(others, name)


def test_risks_and_rules_are_taken_from_alerts_of_the_right_world() -> None:
    seen = Seen([World("a"), World("b")], ["t0", "t1"])
    findings = [_finding("model", 0.7), _finding("challenger", 0.2), _finding("amount_spike")]
    alert = encode(_alert("b-t1", findings, risk=0.8, amount_deviations=-0.25))

    seen.take(alert)
    seen.take(alert)
    seen.take(encode(_alert("a-t0", [_finding("model", 0.1)])))

    said = seen.of["b"]
    assert seen.without_alert([World("b")], np.array([1])) == 0
    assert seen.without_alert([World("a"), World("b")], np.array([1])) == 1
    assert seen.without_alert([World("b")], np.array([0, 1])) == 1
    assert (said.model[1], said.challenger[1], said.combined[1]) == (0.7, 0.2, 0.8)
    assert (said.deviations[1], said.rules[1]) == (-0.25, 1)
    assert np.isnan([said.model[0], seen.of["a"].combined[0], seen.of["a"].challenger[0]]).all()
    assert seen.of["a"].rules[0] == 0


@pytest.mark.parametrize(
    ("artefact", "feature", "value"),
    [(onlooker(), "amount_deviations", 5.0), (told_of(), "merchant_frauds", 1.0)],
)
def test_a_model_of_one_question_is_one_that_the_job_takes(
    artefact: Artefact, feature: str, value: float
) -> None:
    rows = np.zeros((2, len(FEATURES)), np.float32)
    rows[1, FEATURES.index(feature)] = value

    scorer = Scorer(read_artefact(encode_artefact(artefact)))

    assert scorer.risks(array("f", rows.ravel().tolist())) == [NO, YES]


def test_marks_are_heard_where_whoever_judged_the_latest_knew_of_them() -> None:
    seen = Seen([World("a")], [])
    labels = list(seen.marks.labels(BEGINS_MS))
    merchants = {decode_feedback(value).merchant_id for _, _, value in labels}
    assert [partition for partition, _, _ in labels] == list(range(FEEDBACK.partitions))
    assert len(merchants) == FEEDBACK.partitions

    def answer(risk: float) -> None:
        sent = list(seen.marks.payments(BEGINS_MS))
        for partition in range(TRANSACTIONS.partitions):
            paid_there = [decode_transaction(value) for at, _, value in sent if at == partition]
            assert {txn.merchant_id for txn in paid_there} == merchants
        for number, (_, _, value) in enumerate(sent):
            assert seen.marks.unjudged
            txn = decode_transaction(value)
            said = risk if number == 7 else YES
            findings = [_finding("rapid_transactions"), _finding("model", said)]
            seen.take(encode(_alert(txn.transaction_id, findings)))
        assert not seen.marks.unjudged

    answer(NO)
    assert not seen.marks.are_heard
    answer(YES)
    assert seen.marks.are_heard
    assert merchants.isdisjoint(
        decode_feedback(value).merchant_id for _, _, value in seen.marks.labels(BEGINS_MS)
    )
    assert not seen.marks.are_heard


def test_a_config_has_every_payment_of_its_world_scored_and_acts_on_none() -> None:
    config = config_of(World("b"), Pair(model=onlooker(), challenger=onlooker()), IN_THE_SHADOW)
    spec = parse_detector_config(msgspec.to_builtins(config)).spec

    assert spec.selector.bank_ids == ("b",)
    assert spec.model is not None and spec.model.challenger is not None
    assert (spec.model.mode, spec.model.threshold, spec.model.hash) == (
        "Shadow",
        0,
        onlooker().hash,
    )
    assert spec.model.challenger.threshold == 0
    rules = [getattr(spec.detectors, name) for name in spec.detectors.__struct_fields__]
    assert {rule.mode for rule in rules} <= {"Shadow", "Off"}
    assert spec.detectors.rapid_transactions.mode == "Shadow"


# By Wilson's formula, worked out with mpmath to six places.
@pytest.mark.parametrize(
    ("part", "whole", "lowest", "highest"),
    [(5, 10, 0.236593, 0.763407), (0, 10, 0.0, 0.277533), (10, 10, 0.722467, 1.0)],
)
def test_wilsons_interval(part: int, whole: int, lowest: float, highest: float) -> None:
    found = wilson(part, whole)

    assert found == pytest.approx((lowest, highest), abs=1e-6)


def test_a_share_of_nothing_is_unknown() -> None:
    share = Share(part=0, whole=0)

    assert (share.value, share.interval, str(share)) == (None, None, "none")


def test_findings_are_held_against_labels() -> None:
    rapid, spike, model = (
        _finding(name) for name in ("rapid_transactions", "amount_spike", "model")
    )
    alerts = [
        _alert("t1", [rapid, model], label="rapid_transactions"),
        _alert("t2", [rapid], label="amount_spike"),
        _alert("t3", [rapid, rapid]),
        _alert("t4", [spike, model]),
    ]

    found = detected(alerts, {"rapid_transactions": 4, "amount_spike": 1})

    assert found["rapid_transactions"].precision == Share(part=2, whole=3)
    assert found["rapid_transactions"].own == Share(part=1, whole=3)
    assert found["rapid_transactions"].recall == Share(part=1, whole=4)
    assert found["amount_spike"].precision == Share(part=0, whole=1)
    assert found["amount_spike"].recall == Share(part=0, whole=1)
    assert found["dormant_card"].recall == Share(part=0, whole=0)
    assert found["model"].recall == Share(part=1, whole=5), "it looks for every scenario"


def test_a_model_for_the_generated_stream_learns_from_others_cards(few_trees: None) -> None:
    settings = msgspec.structs.replace(settings_of(seed=2, transactions=3_000), cards=1_000)

    artefact = model_for(settings, SilentListener())

    assert set(artefact.features) <= set(WITHOUT_LABELS)
    assert artefact.training.transactions == pytest.approx(3_000, rel=0.1)
    assert artefact.training.frauds == pytest.approx(60, rel=0.5)
    assert artefact.threshold == 0.5


def test_risks_in_the_job_are_held_against_those_of_the_replay() -> None:
    week = ScoredWeek(
        rows=np.arange(4),
        days=np.zeros(4, np.int64),
        users=np.array([7, 8, 8, 9]),
        fraudulent=np.array([True, False, False, True]),
    )

    in_the_job = np.array([0.9, 0.1, 0.3, 0.8])
    by_rules = np.array([False, True, False, False])

    skew = skew_of(week, in_the_job, np.array([0.9, 0.1, 0.2, 0.05]), by_rules)

    assert (skew.payments, skew.different, skew.unexplained) == (4, 2, 1)
    assert skew.largest == pytest.approx(0.75)
    assert skew.figures[0] == 0.5  # of four pairs of fraud and genuine, two in the right order


def test_a_summary_has_means_and_spreads() -> None:
    reached = [
        Reached(entrant="m", seed=1, figures=(0.8, 0.5, 0.2)),
        Reached(entrant="rules", seed=None, figures=(0.5, 0.1, 0.0)),
        Reached(entrant="m", seed=2, figures=(0.9, 0.5, 0.3)),
    ]

    found = summary_of(reached)

    assert list(found) == ["m", "rules"]
    assert found["m"]["auc_roc"] == pytest.approx(0.85)
    assert found["m"]["spread"]["card_precision_100"] == pytest.approx(0.1)
    assert found["m"]["spread"]["average_precision"] == 0
    assert found["rules"]["seeds"] == [None]


def test_without_the_handbooks_stream_one_line_says_so() -> None:
    result = CliRunner().invoke(
        app, ["scorecard", "--file", "/nowhere/payments.parquet", "--generated", "0", "--no-curves"]
    )

    assert result.exit_code == 0
    assert "handbook skipped: /nowhere/payments.parquet is not there" in result.output
