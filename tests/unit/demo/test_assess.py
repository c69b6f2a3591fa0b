from tests.unit.cli.samples import a_transaction

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.topics import ALERTS, TRANSACTIONS
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.records import InputRecord
from cardwatch_job.reference import judge_all
from cardwatch_local.demo.assess import Run, assess
from cardwatch_local.demo.latency import Percentiles
from cardwatch_local.demo.oracle import Evidence
from cardwatch_local.demo.report import Reference, Report


def record(txn: Transaction, offset: int) -> InputRecord:
    return InputRecord(
        topic=TRANSACTIONS.name,
        key=txn.user_id.encode(),
        value=encode(txn),
        partition=0,
        offset=offset,
        timestamp_ms=txn.event_time,
    )


RECORDS = [
    record(a_transaction(1, amount_minor=-5), 0),
    record(a_transaction(2, amount_minor=-5, event_time=1_795_261_735_000, label="x"), 1),
    record(a_transaction(3, amount_minor=90, event_time=1_795_261_835_000), 2),
]
FOUND = [decode_alert(out.value) for out in judge_all(RECORDS) if out.topic == ALERTS.name]


def assessed(alerts: list[Alert], *, configs: int = 0) -> Report:
    evidence = Evidence(records=RECORDS, alerts=alerts, configs=configs, dead_letters=0)
    run = Run(
        live_from={(TRANSACTIONS.name, 0): 1},
        seen=Percentiles(),
        committed=Percentiles(),
        startup_s=20.123,
        duration_s=60.0,
        cards=1,
        seed=1,
        machine={},
    )
    return assess(evidence, run)


def test_the_live_phase_is_counted_apart_from_the_history() -> None:
    report = assessed(FOUND)
    assert (report.transactions, report.history_transactions) == (2, 1)
    assert (report.alerts, report.history_alerts) == (1, 1)
    assert report.alerts_by_detector["negative_amount"] == 1
    assert report.reference == Reference(lost=0, duplicate=0, different=0)
    assert report.labels["negative_amount"].precision == 1.0
    assert report.startup_s == 20.12


def test_what_is_missing_twice_there_or_changed_is_told_apart() -> None:
    assert assessed(FOUND[:1]).reference == Reference(lost=1, duplicate=0, different=0)
    assert assessed([*FOUND, FOUND[0]]).reference == Reference(lost=0, duplicate=1, different=0)
    changed = decode_alert(encode(FOUND[0]).replace(b"Berlin", b"Bremen"))
    assert assessed([changed, FOUND[1]]).reference == Reference(lost=0, duplicate=0, different=1)


def test_without_a_known_order_of_configs_nothing_is_compared() -> None:
    assert assessed(FOUND, configs=1).reference is None
