import itertools
import math
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from msgspec.structs import replace
from pyarrow import parquet

from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.mapping import FlagSource, Mapping
from cardwatch_generator.mapping_file import load_mapping
from cardwatch_generator.replay import ReplayConfig, ReplayReport, read_transactions

CHECKOUT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("CARDWATCH_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
HANDBOOK = SHARED / "handbook_transactions.parquet"
START = datetime(2018, 4, 1, 0, 0, 31, tzinfo=UTC)
START_MS = round(START.timestamp() * 1000)


def handbook_table(rows: int) -> dict[str, Any]:
    times = [START_MS * 1_000_000 + i * 1_500_000_000 for i in range(rows)]
    return {
        "transaction_id": pa.array(range(rows), pa.int64()),
        "event_time": pa.array(times, pa.timestamp("ns")),
        "customer_id": pa.array([i % 50 for i in range(rows)], pa.int32()),
        "terminal_id": pa.array([i % 70 for i in range(rows)], pa.int32()),
        "amount": pa.array([round(i * 0.37, 2) for i in range(rows)], pa.float64()),
        "is_fraud": pa.array([int(i % 4 > 0) for i in range(rows)], pa.int8()),
        "fraud_scenario": pa.array([i % 4 for i in range(rows)], pa.int8()),
    }


def read(
    folder: Path, columns: dict[str, Any], mapping: Mapping | None = None
) -> tuple[list[Transaction], ReplayReport]:
    path = folder / "synthetic.parquet"
    parquet.write_table(pa.table(columns), path)
    report = ReplayReport()
    config = ReplayConfig(file=path, mapping=mapping or load_mapping("handbook"))
    return list(read_transactions(config, report, tokenise=None)), report


def test_a_file_of_the_handbook_s_schema_is_read_whole(tmp_path: Path) -> None:
    transactions, report = read(tmp_path, handbook_table(10_000))
    assert (report.rows, report.rejections.total) == (10_000, 0)
    assert transactions[7] == Transaction(
        transaction_id="handbook-7",
        event_time=START_MS + 10_500,
        user_id="handbook-user-7",
        card_id="handbook-card-7",
        bank_id="handbook",
        payment_system="unknown",
        amount_minor=259,
        currency="XXX",
        merchant_id="handbook-terminal-7",
        merchant_category="unknown",
        country="ZZ",
        city="",
        latitude=0.0,
        longitude=0.0,
        pin_used=True,
        channel="chip",
        label="compromised_customer",
    )
    assert [txn.amount_minor for txn in transactions] == [i * 37 for i in range(10_000)]
    assert {txn.label for txn in transactions[::4]} == {None}


def test_rows_of_a_parquet_file_are_counted_from_one(tmp_path: Path) -> None:
    columns = handbook_table(5_000)
    amounts = columns["amount"].to_pylist()
    amounts[2], amounts[4_999] = math.nan, 0.001
    scenarios = columns["fraud_scenario"].to_pylist()
    scenarios[4_500] = 9
    customers = columns["customer_id"].to_pylist()
    customers[10] = None
    changed = {
        "amount": pa.array(amounts),
        "fraud_scenario": pa.array(scenarios, pa.int8()),
        "customer_id": pa.array(customers, pa.int32()),
    }
    transactions, report = read(tmp_path, columns | changed)
    assert [(r.line, r.field) for r in report.rejections.shown] == [
        (3, "amount_minor"),
        (11, "user_id"),
        (4_501, "label"),
        (5_000, "amount_minor"),
    ]
    assert len(transactions) == 4_996
    assert "allowed: `1`, `2`, `3`" in report.rejections.shown[2].reason


@pytest.mark.parametrize(
    "times",
    [
        pa.array([START], pa.timestamp("us", "UTC")),
        pa.array([START], pa.timestamp("ms", "America/New_York")),
        pa.array([START], pa.timestamp("ns", "+05:30")),
        pa.array([START.replace(tzinfo=None)], pa.timestamp("s")),
        pa.array([START.isoformat()]),
        pa.array([START.isoformat()]).dictionary_encode(),
    ],
    ids=str,
)
def test_every_kind_of_time_column_is_the_same_instant(tmp_path: Path, times: Any) -> None:
    (txn,), _ = read(tmp_path, handbook_table(1) | {"event_time": times})
    assert txn.event_time == START_MS


@pytest.mark.parametrize(
    "amounts",
    [
        pa.array(["12.34"]),
        pa.array([12.34], pa.float32()),
        pa.array([12.34], pa.float64()),
        pa.array([Decimal("12.34")], pa.decimal128(10, 2)),
        pa.array([Decimal("12.340")], pa.decimal256(60, 3)),
    ],
    ids=str,
)
def test_every_kind_of_amount_column_is_the_same_amount(tmp_path: Path, amounts: Any) -> None:
    (txn,), _ = read(tmp_path, handbook_table(1) | {"amount": amounts})
    assert txn.amount_minor == 1234


def test_whole_numbers_that_became_floats_stay_the_same_ids(tmp_path: Path) -> None:
    columns = handbook_table(1) | {"customer_id": pa.array([596.0])}
    (txn,), _ = read(tmp_path, columns)
    assert txn.user_id == "handbook-user-596"


def test_nested_and_missing_values_are_rejected(tmp_path: Path) -> None:
    columns = handbook_table(2) | {
        "customer_id": pa.array([[1], [2]]),
        "event_time": pa.array([None, START], pa.timestamp("ns", "UTC")),
    }
    transactions, report = read(tmp_path, columns)
    assert (transactions, report.rejections.total) == ([], 2)


def test_card_numbers_in_a_column_of_integers_are_found(tmp_path: Path) -> None:
    columns = handbook_table(1) | {"customer_id": pa.array([4111111111111111])}
    _, report = read(tmp_path, columns)
    assert "holds a card number" in report.rejections.shown[0].reason
    assert "1111" not in repr(report)


def test_a_boolean_column_is_a_flag(tmp_path: Path) -> None:
    handbook = load_mapping("handbook")
    pin = FlagSource(column="pin", true_cells=("true",), false_cells=("false",))
    mapping = replace(handbook, fields=replace(handbook.fields, pin_used=pin))
    columns = handbook_table(2) | {"pin": pa.array([True, False])}
    transactions, _ = read(tmp_path, columns, mapping)
    assert [txn.pin_used for txn in transactions] == [True, False]


@pytest.mark.skipif(
    not HANDBOOK.exists(),
    reason=f"no {HANDBOOK}: set CARDWATCH_SHARED_DATA to the folder of the handbook file",
)
def test_the_handbook_file_itself_is_read_without_a_rejected_row() -> None:
    report = ReplayReport()
    config = ReplayConfig(file=HANDBOOK, mapping=load_mapping("handbook"))
    transactions = list(itertools.islice(read_transactions(config, report, tokenise=None), 50_000))
    assert report.rejections.total == 0
    first = transactions[0]
    assert (first.transaction_id, first.event_time) == ("handbook-0", START_MS)
    assert (first.user_id, first.amount_minor) == ("handbook-user-596", 5716)
    times = [txn.event_time for txn in transactions]
    assert times == sorted(times)
