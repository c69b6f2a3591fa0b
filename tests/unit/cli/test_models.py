import json
import re
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.unit.model.made import artefact
from tests.unit.model.paying import stream
from typer.testing import CliRunner, Result

from cardwatch_job.model.artefact import encode_artefact, read_artefact
from cardwatch_local.cli import app
from cardwatch_local.errors import StackError
from cardwatch_local.training import forests


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    payments = stream(payments=2_000)
    names = ("transaction_id", "event_time", "user_id", "merchant_id", "amount_minor", "label")
    columns = {name: getattr(payments, name).tolist() for name in names}
    columns["is_fraud"] = columns.pop("label")
    path = tmp_path / "payments.parquet"
    parquet.write_table(pa.table(columns), path)
    return path


def _run(home: Path, *arguments: object) -> Result:
    runner = CliRunner(env={"CARDWATCH_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1"})
    return runner.invoke(app, [str(argument) for argument in arguments])


def _refused(home: Path, *arguments: object) -> str:
    result = _run(home, *arguments)
    assert isinstance(result.exception, StackError)
    return str(result.exception)


def _keep(home: Path, name: str, document: bytes) -> None:
    (home / "models").mkdir(parents=True, exist_ok=True)
    (home / "models" / f"{name}.model.json").write_bytes(document)


def test_a_model_is_trained_listed_shown_and_run(
    home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setattr(forests, "BOOSTED_TREES", 20)
    train = ("train", "first", "--from", "file", file, "--alerts-per-thousand-cards", "50")

    planned = _run(home, *train, "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert re.search(r"payments +2,000 read, [\d,]+ to learn from\n", planned.output)
    assert not (home / "models").exists()

    trained = _run(home, *train)
    assert trained.exit_code == 0, trained.output
    assert re.search(r"model first \([0-9a-f]{12}\) from [\d,]+ payments, ", trained.output)
    assert "replay payments: done in " in trained.output
    written = read_artefact((home / "models/first.model.json").read_bytes())
    assert written.alerts_per_thousand_cards_a_day == 50
    assert "alerts allowed in the rehearsal" not in trained.output
    assert "--force replaces it" in _refused(home, *train)

    listed = _run(home, "model", "list")
    assert re.search(rf"\nfirst +boostedTrees +{written.hash[:12]} ", listed.output)
    shown = _run(home, "model", "stats", "first").output
    assert f"hash         {written.hash}\n" in shown
    assert "for 50 alerts per thousand cards a day" in shown
    assert re.search(r"\nmerchant_frauds +[\d.]+ +[\d.]+\n", shown)

    ran = _run(home, "model", "run", "first", file, "--limit", "2")
    assert ran.exit_code == 0, ran.output
    assert re.search(r"\n2,000 payments, \d+ at risk ", ran.output)
    assert len(re.findall(r"risk \d\.\d{4}  user u\d+ ", ran.output)) == 2
    assert re.search(r"\n    merchant_\w+ \+\d\.\d{3}: \d", ran.output)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (1, r"alerts allowed in the rehearsal: 0; the budget is less than one alert, so none"),
        (5, r"alerts allowed in the rehearsal: 1; the ([2-9]|10) riskiest payments score alike"),
    ],
)
def test_a_budget_that_cannot_be_kept_to_is_told(
    home: Path, file: Path, monkeypatch: pytest.MonkeyPatch, budget: int, said: str
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setattr(forests, "BOOSTED_TREES", 20)
    asked = ("--alerts-per-thousand-cards", str(budget))
    trained = _run(home, "train", "first", "--from", "file", file, *asked)
    assert re.search(said, trained.output), trained.output


def test_where_there_are_no_models_the_list_says_so(home: Path) -> None:
    result = _run(home, "model", "list")
    assert result.output == (
        f"no models in {home}/models; `cardwatch train` makes one\n\n"
        "stack `default` is not running: what is published is not known\n"
    )


def test_a_broken_model_is_listed_as_refused_and_others_are_shown(home: Path) -> None:
    _keep(home, "good", encode_artefact(artefact()))
    _keep(home, "torn", encode_artefact(artefact())[:-9])

    listed = _run(home, "model", "list").output
    assert re.search(r"\ntorn +refused: .*no model: not JSON", listed)
    assert re.search(r"\ngood +boostedTrees ", listed)

    shown = json.loads(_run(home, "model", "list", "--json").output)
    assert (shown["published"], shown["judging"]) == (None, None)
    machine = shown["local"]
    assert [each["name"] for each in machine] == ["good", "torn"]
    assert machine[0]["hash"] == artefact().hash
    assert "refused" in machine[1]
    assert "not JSON" in _refused(home, "model", "stats", "torn")


def test_an_unknown_model_is_named_with_where_it_was_looked_for(home: Path, file: Path) -> None:
    said = _refused(home, "model", "run", "ghost", file)
    assert f"{home}/models/ghost.model.json: there is no such model" in said


def test_stats_are_told_to_programs_without_the_trees(home: Path) -> None:
    _keep(home, "made", encode_artefact(artefact()))
    facts = json.loads(_run(home, "model", "stats", "made", "--json").output)
    assert facts["metrics"] == {"auc_roc": 0.9}
    assert "trees" not in facts


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "a", "--from", "file"), "needs FILE.parquet"),
        (("train", "a", "b.parquet", "--from", "archive"), "archive takes none"),
        (("train", "a"), "Missing option '--from'"),
        (("train", "a", "--from", "archive", "--threshold", "2"), "--threshold"),
        (
            (
                *("train", "a", "b.parquet", "--from", "file"),
                *("--begins", "2026-02-01", "--ends", "2026-01-01"),
            ),
            "is not before --ends",
        ),
    ],
)
def test_what_is_not_allowed_is_named(home: Path, arguments: tuple[str, ...], said: str) -> None:
    result = _run(home, *arguments)
    assert result.exit_code == 2
    assert said in re.sub(r"[\s│]+", " ", result.output)


def test_a_name_that_no_file_may_have_is_refused(home: Path, file: Path) -> None:
    pytest.importorskip("sklearn")
    result = _run(home, "train", "My Model", "--from", "file", file, "--dry-run")
    assert result.exit_code == 2
    assert "small letters" in re.sub(r"[\s│]+", " ", result.output)


def test_without_scikit_learn_training_says_how_it_comes(
    home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    said = _refused(home, "train", "a", "--from", "file", file)
    assert "sh scripts/bootstrap.sh train" in said
