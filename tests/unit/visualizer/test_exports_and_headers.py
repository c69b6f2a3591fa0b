import csv
import io

from pyarrow import parquet
from tests.unit.visualizer.samples import a_row

from cardwatch_visualizer.security import content_security_policy
from cardwatch_visualizer.views.exports import COLUMNS, encode_rows


def test_a_csv_has_every_column_and_runs_nothing_in_a_spreadsheet() -> None:
    hostile = a_row(merchant_id='=cmd|"/C calc"!A0', city="+1\r\nx", reasons=["@sum(1)", "ok"])
    text = encode_rows([a_row(), hostile], "csv").decode()
    header, first, second = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == COLUMNS
    assert first[1] == "2025-10-09T09:00:00.000Z"
    shown = dict(zip(header, second, strict=True))
    assert shown["merchant_id"].startswith("'=")
    assert shown["city"].startswith("'+")
    assert shown["reasons"].startswith("'@")
    assert shown["label"] == ""


def test_a_parquet_has_the_values_as_they_are() -> None:
    table = parquet.read_table(io.BytesIO(encode_rows([a_row(label="genuine")], "parquet")))
    (row,) = table.to_pylist()
    assert list(row) == list(COLUMNS)
    assert row["amount_minor"] == 41_200
    assert row["detectors"] == ["amount_spike", "limit_exceeded"]
    assert row["event_time"].isoformat() == "2025-10-09T09:00:00+00:00"
    assert row["label"] == "genuine"


def test_no_alert_makes_an_empty_file_with_a_header() -> None:
    assert encode_rows([], "csv").count(b"\n") == 1
    assert parquet.read_table(io.BytesIO(encode_rows([], "parquet"))).num_rows == 0


def test_scripts_are_ours_or_named_by_their_hash() -> None:
    policy = content_security_policy(["'sha256-abc='"])
    directives = dict(each.split(" ", 1) for each in policy.split("; "))
    assert directives["script-src"] == "'self' 'sha256-abc='"
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert "unsafe-eval" not in policy
    assert "http" not in policy, "nothing comes from elsewhere"
