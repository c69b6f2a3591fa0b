from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from cardwatch_local.errors import StackError
from cardwatch_local.training.files import read_parquet
from cardwatch_local.training.payments import UNKNOWN

_TIME = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
_MS = 1_763_641_800_000 + 31_536_000_000
_HANDBOOK: dict[str, list[Any]] = {
    "transaction_id": [7, 5],
    "event_time": [_TIME, _TIME],
    "customer_id": [1, 2],
    "terminal_id": [3, 4],
    "amount": [12.345, 1.1],
    "is_fraud": [1, 0],
}


def _file(folder: Path, **changes: Any) -> Path:
    columns = {name: values for name, values in (_HANDBOOK | changes).items() if values is not None}
    parquet.write_table(pa.table(columns), folder / "payments.parquet")
    return folder / "payments.parquet"


def test_the_handbooks_columns_are_read_in_the_order_of_time_and_id(tmp_path: Path) -> None:
    payments = read_parquet(_file(tmp_path), label_delay_ms=1_000)

    assert payments.transaction_id.tolist() == ["5", "7"]
    assert payments.event_time.tolist() == [_MS, _MS]
    assert payments.user_id.tolist() == ["2", "1"]
    assert payments.merchant_id.tolist() == ["4", "3"]
    assert payments.amount_minor.tolist() == [110, 1234]
    assert payments.label.tolist() == [0, 1]
    assert payments.known_at.tolist() == [_MS + 1_000] * 2
    assert payments.latitude.tolist() == [0, 0]


def test_what_cardwatch_exports_is_read(tmp_path: Path) -> None:
    file = _file(
        tmp_path,
        transaction_id=["b", "a"],
        event_time=pa.array([_TIME, _TIME], pa.timestamp("us", tz="UTC")),
        customer_id=None,
        terminal_id=None,
        amount=None,
        is_fraud=None,
        user_id=["u", "v"],
        merchant_id=["m", "n"],
        merchant_category=["food", None],
        amount_minor=[100, -250],
        latitude=[48.5, 1.0],
        longitude=[2.0, 3.0],
        label=["amount_spike", None],
    )

    payments = read_parquet(file, label_delay_ms=0)

    assert payments.amount_minor.tolist() == [-250, 100]
    assert payments.merchant_category.tolist() == ["", "food"]
    assert payments.label.tolist() == [0, 1]
    (first, second) = payments.rows()
    assert (first.user_id, first.longitude, second.latitude) == ("v", 3.0, 48.5)


def test_a_file_without_labels_says_nothing_of_them(tmp_path: Path) -> None:
    payments = read_parquet(_file(tmp_path, is_fraud=None), label_delay_ms=0)
    assert payments.label.tolist() == [UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"customer_id": None}, "user_id or customer_id"),
        ({"amount": [float("nan"), 1.0]}, "column `amount` has a cell that is no finite number"),
        ({"amount": [None, 1.0]}, "column `amount` has empty cells"),
        ({"amount": ["much", "little"]}, "column `amount` holds no numbers"),
        ({"event_time": ["soon", "late"]}, "column `event_time` holds no times"),
        ({"event_time": [-1, 5]}, "not between 1970 and 2100"),
        ({"is_fraud": [2, 0]}, "neither 0, 1 nor empty"),
        ({name: np.array([], np.int64) for name in _HANDBOOK}, "has no rows"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StackError, match=said):
        read_parquet(_file(tmp_path, **changes), label_delay_ms=0)


def test_what_is_no_parquet_file_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("id,amount\n")
    with pytest.raises(StackError, match="is no Parquet file"):
        read_parquet(tmp_path / "a.parquet", label_delay_ms=0)
