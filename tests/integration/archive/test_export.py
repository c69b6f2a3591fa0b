import csv
import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.integration.archive.archived import Archived, an_answer, moment
from tests.unit.cli.samples import a_finding, a_transaction, an_alert
from typer.testing import CliRunner

from cardwatch_local.cli import app
from cardwatch_local.errors import StackError
from cardwatch_local.exporting import export as exporting
from cardwatch_local.exporting.datasets import DATASETS, Span
from cardwatch_local.exporting.export import Wanted, export
from cardwatch_local.progress import SilentListener

DAY_MS = 86_400_000
MIDNIGHT_MS = 1_795_219_200_000  # 2026-11-21T00:00:00Z
HOSTILE = ("=cmd|'/C calc'!A0", "<script>", "+1", "-1", "@x", "\tx", "a\r\n=b", 'a",=b', "\u202e")


def cli(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["export", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


def wanted(name: str, file: Path, **changes: object) -> Wanted:
    given: dict[str, object] = {"dataset": DATASETS[name], "file": file, "span": Span()}
    return Wanted(**(given | {"format": "csv"} | changes))  # type: ignore[arg-type]


def test_transactions_are_those_of_the_span_in_both_formats(
    archived: Archived, tmp_path: Path
) -> None:
    for number, at_ms in enumerate((MIDNIGHT_MS - 1, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)):
        archived.add_transaction(a_transaction(number, amount_minor=-number), ingested_ms=at_ms)
    span = ("--from", "2026-11-21", "--to", "2026-11-22", "--database-url", archived.url)
    as_csv, as_parquet = tmp_path / "t.csv", tmp_path / "t.parquet"
    for file in (as_csv, as_parquet):
        assert f"1 transactions in {file}" in cli("transactions", "--output", str(file), *span)

    (row,) = read_csv(as_csv)
    assert row["transaction_id"] == "A-run-1"
    assert row["ingested_at"] == "2026-11-21T00:00:00.000Z"
    assert (row["amount_minor"], row["pin_used"], row["label"]) == ("-1", "true", "")
    (same,) = pq.read_table(as_parquet).to_pylist()
    assert list(same) == list(row)
    assert same["ingested_at"] == moment(MIDNIGHT_MS)
    assert (same["amount_minor"], same["pin_used"], same["label"]) == (-1, True, None)


def test_the_event_time_can_be_meant(archived: Archived, tmp_path: Path) -> None:
    archived.add_transaction(a_transaction(1, event_time=MIDNIGHT_MS), ingested_ms=DAY_MS)
    archived.add_transaction(a_transaction(2, event_time=DAY_MS), ingested_ms=MIDNIGHT_MS)
    file = tmp_path / "t.csv"
    span = ("--from", "2026-11-21", "--by", "event", "--database-url", archived.url)
    cli("transactions", "--output", str(file), *span)
    assert [row["transaction_id"] for row in read_csv(file)] == ["A-run-1"]


def test_alerts_findings_and_feedback_are_exported_as_the_views_have_them(
    archived: Archived, tmp_path: Path
) -> None:
    alert = an_alert(1, a_finding(), a_finding("many_no_pin", reason="6 without PIN"))
    archived.add_alert(alert)
    archived.add_feedback(an_answer(alert, 1, reason="called the cardholder"))
    read = {}
    for name in ("alerts", "findings", "feedback"):
        for ending in ("csv", "parquet"):
            file = tmp_path / f"{name}.{ending}"
            cli(name, "--output", str(file), "--database-url", archived.url)
        read[name] = pq.read_table(tmp_path / f"{name}.parquet").to_pylist()
        assert len(read_csv(tmp_path / f"{name}.csv")) == len(read[name])

    (exported,) = read["alerts"]
    assert exported["alert_id"] == alert.alert_id
    assert exported["detectors"] == ["amount_spike", "many_no_pin"]
    assert [row["reason"] for row in read["findings"]] == exported["reasons"]
    assert read["feedback"][0]["reason"] == "called the cardholder"
    assert read_csv(tmp_path / "alerts.csv")[0]["detectors"] == "amount_spike / many_no_pin"


def test_what_merchants_wrote_does_not_run_in_a_spreadsheet(
    archived: Archived, tmp_path: Path
) -> None:
    for number, text in enumerate(HOSTILE):
        archived.add_transaction(a_transaction(number, merchant_id=text, city=text))
    file = tmp_path / "t.csv"
    export(archived.url, wanted("transactions", file), SilentListener())
    for separator in ",;\t|":
        for row in csv.reader(
            io.StringIO(file.read_bytes().decode(), newline=""), delimiter=separator
        ):
            assert not [cell for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))]
    parquet = tmp_path / "t.parquet"
    export(archived.url, wanted("transactions", parquet, format="parquet"), SilentListener())
    assert {row["city"] for row in pq.read_table(parquet).to_pylist()} == set(HOSTILE)


def test_an_empty_export_still_names_its_columns(archived: Archived, tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        file = tmp_path / f"a.{ending}"
        assert export(archived.url, wanted("alerts", file, format=ending), SilentListener()) == 0
    assert read_csv(tmp_path / "a.csv") == []
    header = (tmp_path / "a.csv").read_text().strip().replace('"', "").split(",")
    assert header == pq.read_table(tmp_path / "a.parquet").column_names
    assert header == list(DATASETS["alerts"].columns)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_many_rows_come_some_thousand_at_a_time_and_all_arrive(
    archived: Archived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    archived.add_transaction(a_transaction())
    columns = ", ".join(set(DATASETS["transactions"].columns) - {"transaction_id"})
    archived.execute(
        f"INSERT INTO transactions (transaction_id, {columns}) "
        f"SELECT 'more-' || number, {columns} FROM transactions, generate_series(1, 4999) AS number"
    )
    monkeypatch.setattr(exporting, "BATCH_ROWS", 999)
    told: list[tuple[str, int | None]] = []

    class Told(SilentListener):
        def started(self, step: str, total: int | None) -> None:
            told.append((step, total))

        def advanced(self, step: str, done: int) -> None:
            told.append((step, done))

    file = tmp_path / f"t.{ending}"
    assert export(archived.url, wanted("transactions", file, format=ending), Told()) == 5_000
    step = "export transactions"
    assert told == [(step, 5_000), *((step, n) for n in (999, 1998, 2997, 3996, 4995, 5_000))]
    if ending == "csv":
        assert len({row["transaction_id"] for row in read_csv(file)}) == 5_000
    else:
        assert pq.ParquetFile(file).num_row_groups == 6
        assert len(set(pq.read_table(file)["transaction_id"].to_pylist())) == 5_000


def test_a_file_that_is_there_is_kept_unless_forced(archived: Archived, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("mine")
    with pytest.raises(StackError, match=r"a\.csv is there already: --force replaces it"):
        export(archived.url, wanted("alerts", file), SilentListener())
    assert file.read_text() == "mine"
    export(archived.url, wanted("alerts", file, force=True), SilentListener())
    assert file.read_text().startswith('"ingested_at"')


def test_an_export_is_whole_or_not_there_and_for_its_owner_alone(
    archived: Archived, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"

    class Interrupted(SilentListener):
        def advanced(self, step: str, done: int) -> None:
            raise KeyboardInterrupt

    archived.add_alert(an_alert())
    with pytest.raises(KeyboardInterrupt):
        export(archived.url, wanted("alerts", file), Interrupted())
    assert list(tmp_path.iterdir()) == []
    export(archived.url, wanted("alerts", file), SilentListener())
    assert file.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_missing_is_named(archived: Archived, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        export(archived.url, wanted("alerts", tmp_path / "nowhere/a.csv"), SilentListener())
