"""`cardwatch model run-enhanced`: rules and a model over a file, through the job's own judge."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.unit.model.made import artefact
from tests.unit.model.paying import stream
from typer.testing import CliRunner, Result

from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    Model,
    VeryHighValueConfig,
)
from cardwatch_contracts.topics import ALERTS, TRANSACTIONS
from cardwatch_job.judge import Judge
from cardwatch_job.model.artefact import encode_artefact
from cardwatch_job.model.in_force import ModelsInForce
from cardwatch_job.records import InputRecord
from cardwatch_job.reference import UsersInMemory
from cardwatch_job.rules import Rules
from cardwatch_local.cli import app
from cardwatch_local.errors import StackError
from cardwatch_local.models.enhanced import judged, transactions_of
from cardwatch_local.progress import SilentListener
from cardwatch_local.training.payments import FRAUDULENT, UNKNOWN, Payments

STRICT = """
apiVersion: cardwatch.dev/v1alpha1
kind: DetectorConfig
metadata: {name: strict}
spec: {detectors: {veryHighValue: {maxAmountMinor: 20000}}}
"""
DETECTORS = Detectors(very_high_value=VeryHighValueConfig(max_amount_minor=20_000))


def _some() -> Payments:
    return stream(payments=1_200)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a model and a file of payments."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models/made.model.json").write_bytes(encode_artefact(artefact()))
    (tmp_path / "strict.yaml").write_text(STRICT)
    payments = _some()
    names = ("transaction_id", "event_time", "user_id", "merchant_id", "amount_minor", "label")
    columns = {name: getattr(payments, name).tolist() for name in names}
    columns["is_fraud"] = columns.pop("label")
    parquet.write_table(pa.table(columns), tmp_path / "payments.parquet")
    return tmp_path


def _run(home: Path, *arguments: object) -> Result:
    runner = CliRunner(env={"CARDWATCH_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1"})
    given = (home / "payments.parquet", "--filename", home / "strict.yaml", *arguments)
    return runner.invoke(app, ["model", "run-enhanced", "made", *map(str, given)])


def test_what_it_says_is_what_the_job_says_where_the_job_says_something() -> None:
    payments = _some()
    payments.label[:] = UNKNOWN  # nothing is heard: the plain judge below hears nothing
    made = artefact(threshold=0.1)  # which amounts alone reach
    model = Model(name=made.name, hash=made.hash)
    spec = DetectorConfigSpec(detectors=DETECTORS, model=model)
    rules = Rules([ConfigRecord(name="plain", generation=1, created_at=0, spec=spec)])
    models = ModelsInForce()
    models.publish(f"{made.name}/{made.hash}".encode(), encode_artefact(made))
    models.follow(rules)
    rules.changed()
    plain, users = Judge(rules, adds_up=False, models=models), UsersInMemory()
    alerts = {}
    for txn in transactions_of(payments):
        record = InputRecord(
            topic=TRANSACTIONS.name,
            key=txn.user_id.encode(),
            value=encode(txn),
            partition=0,
            offset=0,
            timestamp_ms=txn.event_time,
        )
        for output in plain.process(record, users):
            if output.topic == ALERTS.name:
                alerts[txn.transaction_id] = decode_alert(output.value)

    every = list(judged(made, payments, DETECTORS, SilentListener()))

    assert [each.row for each in every] == list(range(len(payments)))
    objected = {each.transaction.transaction_id: each for each in every if each.findings}
    assert objected.keys() == alerts.keys()
    assert {each.by_rules for each in objected.values()} == {True, False}
    for name, alert in alerts.items():
        assert objected[name].findings == alert.findings
        assert objected[name].risk == alert.risk
    silent = [each for each in every if not each.findings]
    assert silent
    assert all(each.by_model.observed < made.threshold for each in silent)


def test_labels_are_heard_once_they_are_known() -> None:
    payments = _some()
    early = list(judged(artefact(), payments, Detectors(), SilentListener()))
    payments.known_at[:] = payments.event_time.max() + 1
    late = list(judged(artefact(), payments, Detectors(), SilentListener()))
    # The made model asks for a merchant's known frauds, which nothing but labels tells.
    assert sum(each.by_model.observed for each in early) > sum(
        each.by_model.observed for each in late
    )
    first = int(np.flatnonzero(payments.label == FRAUDULENT)[0])
    assert [each.risk for each in early[:first]] == [each.risk for each in late[:first]]


def test_a_file_is_judged_shown_and_written(home: Path) -> None:
    planned = _run(home, "--dry-run")
    assert planned.exit_code == 0, planned.exception
    assert "many_no_pin has nothing to look at: the payments have no pin_used\n" in planned.output
    assert re.search(r"\n1,200 payments would be judged by rules and model made@", planned.output)

    target = home / "judged.parquet"
    done = _run(home, "--limit", "2", "--output", target)
    assert done.exit_code == 0, done.exception
    assert "judge payments: done in " in done.output
    rows = parquet.read_table(target).to_pylist()
    by_rules = [row for row in rows if "very_high_value" in row["findings"]]
    by_model = [row for row in rows if "model" in row["findings"]]
    assert len(rows) == 1_200
    assert by_rules
    assert by_model
    assert min(row["model_risk"] for row in by_model) >= 0.5
    frauds = int((_some().label == FRAUDULENT).sum())
    assert f"\n1,200 payments, {frauds} known frauds\n" in done.output
    assert re.search(rf"\nmodel +{len(by_model):,} +\d+\n", done.output)
    assert len(re.findall(r"  risk \d\.\d{4}  user u\d+  ", done.output)) == 2
    assert re.search(r"\n    model: risk \d\.\d{3}: ", done.output)
    riskiest = max(row["risk"] for row in rows)
    assert f"risk {riskiest:.4f}  user" in done.output
    assert f"1,200 payments in {target}, " in done.output

    again = _run(home, "--output", target)
    assert isinstance(again.exception, StackError)
    assert "--force replaces it" in str(again.exception)


def test_what_cannot_be_judged_is_named(home: Path) -> None:
    (home / "strict.yaml").write_text(STRICT + "---" + STRICT.replace("strict", "other"))
    refused = _run(home)
    assert isinstance(refused.exception, StackError)
    assert "2 DetectorConfigs; allowed is one" in str(refused.exception)
