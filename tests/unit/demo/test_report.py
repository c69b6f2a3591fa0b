import json

from tests.unit.cli.samples import a_finding, a_transaction, an_alert

from cardwatch_local.demo.latency import Percentiles
from cardwatch_local.demo.report import (
    DETECTOR_NAMES,
    Reference,
    Report,
    count_findings,
    score_labels,
)
from cardwatch_local.demo.summary import summary_lines, verdict


def a_report(reference: Reference | None) -> Report:
    alert = an_alert(1, label="amount_spike")
    return Report(
        transactions=4812,
        alerts=1,
        alerts_by_detector=count_findings([alert]),
        reference=reference,
        labels=score_labels([alert.transaction], {"A-run-1": alert}),
        latency_ms=Percentiles(p50=38.0, p99=71.0),
        latency_committed_ms=Percentiles(p50=612.0, p99=1204.0),
        startup_s=21.5,
        duration_s=60.0,
        history_transactions=75_000,
        history_alerts=2,
        cards=10_000,
        seed=1,
        dead_letters=0,
        machine={"cores": 2},
    )


EQUAL = Reference(lost=0, duplicate=0, different=0)


def test_the_file_has_the_keys_that_others_rely_on() -> None:
    report = json.loads(a_report(EQUAL).to_json())
    assert report["transactions"] == 4812
    assert report["alerts"] == 1
    assert report["alerts_by_detector"]["amount_spike"] == 1
    assert report["reference"] == {"lost": 0, "duplicate": 0, "different": 0}
    assert report["labels"]["amount_spike"]["precision"] == 1.0
    assert report["latency_ms"] == {"p50": 38.0, "p99": 71.0}
    assert report["startup_s"] == 21.5
    assert set(report["alerts_by_detector"]) == set(report["labels"]) == set(DETECTOR_NAMES)


def test_precision_takes_any_label_and_recall_only_the_detectors_own() -> None:
    transactions = [
        a_transaction(1, label="amount_spike"),  # found by its own detector
        a_transaction(2, label="amount_spike"),  # missed
        a_transaction(3, label="limit_exceeded"),  # found by amount_spike as well
        a_transaction(4),  # genuine, found all the same
        a_transaction(5),
    ]
    spike, limit = a_finding("amount_spike"), a_finding("limit_exceeded")
    alerts = {
        alert.transaction.transaction_id: alert
        for alert in (an_alert(1, spike), an_alert(3, spike, limit), an_alert(4, spike))
    }
    scores = score_labels(transactions, alerts)
    assert scores["amount_spike"].precision == round(2 / 3, 4)
    assert scores["amount_spike"].recall == 1 / 2
    assert scores["amount_spike"].findings == 3
    assert scores["amount_spike"].labelled == 2
    assert (scores["limit_exceeded"].precision, scores["limit_exceeded"].recall) == (1.0, 1.0)


def test_a_share_of_nothing_is_not_a_number() -> None:
    scores = score_labels([a_transaction(1)], {})
    assert all(score.precision is None and score.recall is None for score in scores.values())


def test_every_detector_is_counted_also_a_silent_one() -> None:
    counts = count_findings([an_alert(1, a_finding("dormant_card"))])
    assert set(counts) == set(DETECTOR_NAMES)
    assert sum(counts.values()) == 1


def test_the_summary_says_that_all_is_equal_or_what_is_not() -> None:
    assert "All 3 alerts" in verdict(a_report(EQUAL))
    unequal = verdict(a_report(Reference(lost=2, duplicate=0, different=1)))
    assert "2 lost, 0 duplicate, 1 different" in unequal
    assert "Not compared" in verdict(a_report(None))


def test_the_summary_names_every_detector_with_its_figures() -> None:
    lines = list(summary_lines(a_report(EQUAL)))
    assert "4,812 transactions in 60 s (80.2/s)" in lines[0]
    assert any(line.split() == ["amount_spike", "1", "1.00", "1.00", "1"] for line in lines)
    assert any(line.split() == ["dormant_card", "0", "–", "–", "0"] for line in lines)
    assert not any("unusual_location" in line for line in lines), "it is off, and nobody asked it"
    assert max(map(len, lines[3:-2])) <= 80
