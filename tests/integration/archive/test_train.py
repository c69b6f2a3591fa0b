"""Training from the archive: what a real PostgreSQL answers, and what is learned from that."""

import re
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.integration.archive.archived import Archived, moment
from tests.integration.archive.postgres_server import PostgresServer
from tests.unit.cli.samples import a_transaction
from tests.unit.model.paying import BEGINS_MS, DELAY_MS, paid, payments_of, stream
from typer.testing import CliRunner, Result

from cardwatch_contracts.feedback import Feedback
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.model.artefact import Artefact, read_artefact
from cardwatch_local.cli import app
from cardwatch_local.errors import StackError
from cardwatch_local.progress import SilentListener
from cardwatch_local.training import forests
from cardwatch_local.training.files import Span, read_archive
from cardwatch_local.training.payments import DAY_MS, FRAUDULENT, GENUINE, UNKNOWN, Paid, Payments


def _add(archived: Archived, payment: Paid, ingested_ms: int | None = None) -> Transaction:
    txn = a_transaction(**payment._asdict())
    archived.add_transaction(txn, ingested_ms)
    return txn


def _say(archived: Archived, txn: Transaction, label: str, given_at: int) -> None:
    archived.add_feedback(
        Feedback(
            feedback_id=str(uuid4()),
            alert_id=str(uuid4()),
            transaction_id=txn.transaction_id,
            user_id=txn.user_id,
            card_id=txn.card_id,
            bank_id=txn.bank_id,
            merchant_id=txn.merchant_id,
            label=label,  # type: ignore[arg-type]
            given_by="ana",
            given_at=given_at,
        )
    )


def _read(archived: Archived, span: Span = Span()) -> Payments:  # noqa: B008 - it is frozen
    return read_archive(archived.url, span, SilentListener())


def _same(found: Payments, expected: Payments) -> None:
    for name in Payments.__dataclass_fields__:
        assert getattr(found, name).tolist() == getattr(expected, name).tolist(), name


def test_payments_come_in_the_order_of_event_time_each_once(archived: Archived) -> None:
    # The second came first; the third came twice, the other time with another amount.
    ones = [paid(0), paid(1, amount_minor=-5, merchant_category="toys", latitude=1.5), paid(2)]
    for number, arrived_ms in ((1, 1), (2, 2), (0, 3)):
        txn = _add(archived, ones[number], arrived_ms)
    _add(archived, ones[2]._replace(amount_minor=99), 4)

    expected = replace(
        payments_of(ones, [UNKNOWN] * 3),
        card_id=np.array([txn.card_id] * 3, object),
        currency=np.array([txn.currency] * 3, object),
        pin_used=np.array([txn.pin_used] * 3),
        card_limit_minor=np.array([txn.card_limit_minor or 0] * 3),
    )
    expected.known_at[:] = 0
    _same(_read(archived), expected)


def test_a_span_is_one_of_event_time_and_excludes_its_end(archived: Archived) -> None:
    for number in range(4):
        _add(archived, paid(number), ingested_ms=0)
    times = [moment(paid(number).event_time) for number in range(4)]

    assert _read(archived, Span(begins=times[1], ends=times[3])).transaction_id.tolist() == [
        "t1",
        "t2",
    ]
    assert len(_read(archived, Span(ends=times[1]))) == 1
    assert len(_read(archived, Span(begins=times[1]))) == 3
    with pytest.raises(StackError, match="no transactions in this span"):
        _read(archived, Span(ends=times[0]))


def test_the_latest_word_on_a_payment_counts_and_is_known_when_it_was_given(
    archived: Archived,
) -> None:
    said = {
        0: [("fraudulent", 10)],
        1: [("fraudulent", 10), ("genuine", 20)],
        2: [("genuine", 20), ("fraudulent", 10)],
        3: [("fraudulent", 10), ("unsure", 20)],
        4: [],
    }
    for number, answers in said.items():
        txn = _add(archived, paid(number))
        for label, given_at in answers:  # each to an alert of its own
            _say(archived, txn, label, BEGINS_MS + given_at)

    found = _read(archived)

    assert found.label.tolist() == [FRAUDULENT, GENUINE, GENUINE, UNKNOWN, UNKNOWN]
    assert (found.known_at[:3] - BEGINS_MS).tolist() == [10, 20, 20]


def test_an_archive_without_a_payment_and_a_database_without_an_archive_are_told_apart(
    archived: Archived, postgres: PostgresServer
) -> None:
    with pytest.raises(StackError, match="no transactions in this span"):
        _read(archived)
    with pytest.raises(StackError, match="holds no archive of this version"):
        read_archive(postgres.url(), Span(), SilentListener())


def _train(home: Path, *arguments: object) -> Result:
    runner = CliRunner(env={"CARDWATCH_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1"})
    result = runner.invoke(app, ["train", *map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def _model(home: Path, name: str) -> Artefact:
    return read_artefact((home / f"models/{name}.model.json").read_bytes())


@pytest.fixture
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setattr(forests, "BOOSTED_TREES", 10)


@pytest.mark.usefixtures("few_trees")
def test_the_archive_and_a_file_of_the_same_payments_give_the_same_model(
    archived: Archived, tmp_path: Path
) -> None:
    payments = stream(payments=1_000)
    columns = {name: getattr(payments, name).tolist() for name in Paid._fields}
    columns["is_fraud"] = payments.label.tolist()
    file = tmp_path / "payments.parquet"
    parquet.write_table(pa.table(columns), file)
    words = ("genuine", "fraudulent")
    for payment, label in zip(payments.rows(), payments.label.tolist(), strict=True):
        txn = _add(archived, payment)
        _say(archived, txn, words[label], payment.event_time + DELAY_MS)
    asked = ("--days", "30", "--ends", moment(int(payments.event_time[-1])).isoformat())
    source = ("--from", "archive", "--database-url", archived.url)

    planned = _train(tmp_path, "from-archive", *source, *asked, "--dry-run")
    assert re.search(r"payments +999 read, [\d,]+ to learn from\n", planned.output)
    assert not (tmp_path / "models").exists()
    _train(tmp_path, "from-archive", *source, *asked)
    _train(tmp_path, "from-file", file, "--from", "file", *asked)

    learned, same = _model(tmp_path, "from-archive"), _model(tmp_path, "from-file")
    assert learned.training.frauds > 0
    assert learned.training == same.training
    assert (learned.trees, learned.base, learned.threshold) == (
        same.trees,
        same.base,
        same.threshold,
    )
    assert learned.metrics == same.metrics


@pytest.mark.usefixtures("few_trees")
def test_what_was_said_after_the_last_payment_is_learned_from(
    archived: Archived, tmp_path: Path
) -> None:
    payments = stream(payments=400)
    later = int(payments.event_time[-1]) + 90 * DAY_MS
    for payment, label in zip(payments.rows(), payments.label.tolist(), strict=True):
        txn = _add(archived, payment)
        if label == FRAUDULENT:
            _say(archived, txn, "fraudulent", later)

    _train(tmp_path, "late", "--from", "archive", "--database-url", archived.url)

    training = _model(tmp_path, "late").training
    assert training.transactions == len(payments)
    assert training.frauds == int(np.sum(payments.label == FRAUDULENT))
    assert training.known_until_ms == later + 1
