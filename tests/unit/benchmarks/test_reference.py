from benchmarks.reference import Expected, check
from tests.unit.transactions import make_transaction

from cardwatch_contracts.alert import Alert, Finding


def _finding(reason: str = "because") -> Finding:
    return Finding(
        detector="d", observed=2, threshold=1, unit="s", reason=reason, counterfactual="none"
    )


def _alert(alert_id: str, reason: str = "because") -> Alert:
    return Alert(
        alert_id=alert_id,
        transaction=make_transaction(),
        findings=(_finding(reason),),
        config="built-in",
        generation=0,
        ingested_at=0,
    )


_REFERENCE = {
    name: Expected(partition, offset, (_finding(),))
    for name, partition, offset in (("a", 0, 5), ("b", 0, 10), ("c", 1, 3))
}


def test_only_alerts_on_committed_transactions_are_due() -> None:
    verdict = check([_alert("a")], _REFERENCE, {0: 10, 1: 0})

    assert (verdict.expected, verdict.equal) == (1, True)


def test_alerts_written_ahead_of_the_commit_are_no_fault() -> None:
    assert check([_alert("a"), _alert("b"), _alert("c")], _REFERENCE, {0: 6}).equal


def test_what_is_missing_other_or_double_is_counted() -> None:
    alerts = [_alert("a"), _alert("a"), _alert("b", "otherwise"), _alert("unheard-of")]

    verdict = check(alerts, _REFERENCE, {0: 11, 1: 4})

    assert (verdict.expected, verdict.lost, verdict.wrong, verdict.duplicate) == (3, 1, 2, 1)
    assert not verdict.equal
