from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.job.jvm_side import read_sums
from tests.unit.transactions import make_transaction

from cardwatch_contracts.transaction import Transaction
from cardwatch_job.windows import NO_SUMS, WINDOW_MS, PartialSum, PartialSums

_START_MS = 1_800_000_000_000


def _sums_of(*transactions: Transaction) -> dict[tuple[object, ...], PartialSum]:
    sums = PartialSums()
    for txn in transactions:
        sums.add(txn)
    return {(s.window_start, s.dimension, s.name, s.currency): s for s in sums.take()}


def _txn(at_ms: int, amount_minor: int, bank_id: str = "A", currency: str = "EUR") -> Transaction:
    return make_transaction(
        event_time=_START_MS + at_ms,
        amount_minor=amount_minor,
        bank_id=bank_id,
        currency=currency,
        merchant_category="grocery",
    )


def test_a_transaction_counts_in_total_for_its_bank_and_for_its_category() -> None:
    sums = _sums_of(_txn(9_999, 500), _txn(0, -20, bank_id="B"), _txn(10_000, 7))
    assert sums[_START_MS, "total", "", "EUR"] == PartialSum(
        _START_MS, "total", "", "EUR", count=2, sum_minor=480, min_minor=-20, max_minor=500
    )
    assert sums[_START_MS, "bank", "B", "EUR"].count == 1
    assert sums[_START_MS, "category", "grocery", "EUR"].sum_minor == 480
    assert sums[_START_MS + WINDOW_MS, "total", "", "EUR"].count == 1
    assert len(sums) == 4 + 3


def test_currencies_are_never_added_up() -> None:
    sums = _sums_of(_txn(0, 500), _txn(0, 500, currency="JPY"))
    assert sums[_START_MS, "total", "", "EUR"].sum_minor == 500
    assert sums[_START_MS, "total", "", "JPY"].sum_minor == 500


def test_what_was_taken_does_not_come_again() -> None:
    sums = PartialSums()
    sums.add(_txn(0, 1))
    assert len(sums.take()) == 3
    assert sums.take() == []


def test_they_are_written_as_the_jvm_reads_them() -> None:
    sums = PartialSums()
    assert sums.take_written() == NO_SUMS
    for amount in (700, -20):
        sums.add(_txn(9_999, amount, bank_id="Bänk"))
    assert read_sums(sums.take_written()) == [
        (_START_MS, 2, 680, -20, 700, "total", "", "EUR"),
        (_START_MS, 2, 680, -20, 700, "bank", "Bänk", "EUR"),
        (_START_MS, 2, 680, -20, 700, "category", "grocery", "EUR"),
    ]
    assert sums.take_written() == NO_SUMS


@given(
    st.lists(
        st.builds(_txn, st.integers(0, 40_000), st.integers(-10_000, 10_000), st.sampled_from("AB"))
    ),
    st.integers(1, 7),
)
def test_partial_sums_merged_are_those_of_the_whole(batch: list[Transaction], every: int) -> None:
    merged: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])
    sums = PartialSums()
    for number, txn in enumerate(batch):
        sums.add(txn)
        if number % every == 0:
            _merge(merged, sums)
    _merge(merged, sums)
    whole = {key: [s.count, s.sum_minor] for key, s in _sums_of(*batch).items()}
    assert merged == whole


def _merge(merged: dict[tuple[object, ...], list[int]], sums: PartialSums) -> None:
    for part in sums.take():
        known = merged[part.window_start, part.dimension, part.name, part.currency]
        known[0] += part.count
        known[1] += part.sum_minor
