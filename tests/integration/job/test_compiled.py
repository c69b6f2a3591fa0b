"""The compiled job is the interpreted one, only faster."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.job.feed import Draws

from cardwatch_contracts.codec import encode
from cardwatch_job.compile import CompileError, compile_job
from cardwatch_job.compiled import find_compiled

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

_PROGRAM = """
import sys
import cardwatch_job.detectors.history
from cardwatch_job.reference import judge_all, transaction_of
from cardwatch_contracts.transaction import decode_transaction

print(cardwatch_job.detectors.history.__file__, file=sys.stderr)
lines = sys.stdin.buffer.read().splitlines()
records = [
    transaction_of(line, user_id=user.decode(), ingested_at=int(at))
    for user, at, line in (line.split(b" ", 2) for line in lines)
]
for output in judge_all(records):
    sys.stdout.buffer.write(output.topic.encode() + b" " + output.value + b"\\n")
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the compiled job; that of `make compile` where it is up to date."""
    known = find_compiled()
    if known is not None:
        return known
    folder = tmp_path_factory.mktemp("compiled") / "job"
    compile_job(folder)
    return folder


def _judged(lines: bytes, path: list[str]) -> tuple[str, bytes]:
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=lines,
        capture_output=True,
        check=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
    )
    return run.stderr.decode().strip(), run.stdout


def test_it_writes_the_same_bytes(compiled: Path) -> None:
    draws = Draws()
    transactions = [draws.draw() for _ in range(5_000)]
    lines = [
        b"%s %d %s" % (txn.user_id.encode(), txn.event_time, encode(txn)) for txn in transactions
    ]
    lines[1000:1000] = [lines[999], b'u 1 {"amount_minor": "NaN"}', b"u 1 \xff", b"u 1 {"]
    stream = b"\n".join(lines)
    machine_code, of_machine_code = _judged(stream, [str(compiled)])
    source, of_source = _judged(stream, [])
    assert machine_code.endswith(".so")
    assert source.endswith(".py")
    assert of_source.count(b"alerts ") > 100
    assert of_source.count(b"transactions-dlq ") == 3
    assert of_machine_code == of_source


@pytest.mark.parametrize("seed", [1, 2])
def test_the_screen_changes_nothing(compiled: Path, seed: int) -> None:
    settled, alerts, scored = _compared("screening", seed, compiled)
    assert settled > 1_500
    assert alerts > 3_000
    assert scored > 100


@pytest.mark.parametrize("seed", [1, 2])
def test_flat_memories_are_those_of_python(compiled: Path, seed: int) -> None:
    kept, forgotten = _compared("flat", seed, compiled)
    assert kept > 500
    assert forgotten > 100


@pytest.mark.parametrize("seed", [1, 2])
def test_spans_are_written_alike(compiled: Path, seed: int) -> None:
    spans, alerts = _compared("spans_alike", seed, compiled)
    assert spans > 7_000
    assert alerts > 2_000


@pytest.mark.parametrize("seed", [1, 2])
def test_trees_score_and_explain_alike(compiled: Path, seed: int) -> None:
    assert _compared("trees_alike", seed, compiled) == [500, 500]


@pytest.mark.parametrize("seed", [1, 2])
def test_models_remember_alike(compiled: Path, seed: int) -> None:
    vectors, packed, contradictions = _compared("models_alike", seed, compiled)
    assert vectors == 12_000
    assert packed > 10_000
    assert contradictions > 400


def _compared(program: str, seed: int, compiled: Path) -> list[int]:
    """Run a comparison with the compiled job; return the numbers it prints."""
    run = subprocess.run(
        [sys.executable, "-m", f"tests.integration.job.{program}", str(seed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        env=os.environ | {"PYTHONPATH": str(compiled)},
    )
    assert run.returncode == 0, run.stderr[-10_000:]
    return [int(number) for number in run.stdout.split()]


def test_it_is_not_used_once_a_source_has_changed(compiled: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(compiled, tmp_path / "compiled")
    assert find_compiled(copy) == copy
    (copy / "SOURCES").write_text("those of yesterday")
    assert find_compiled(copy) is None
    assert find_compiled(tmp_path / "nowhere") is None


def test_a_missing_compiler_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match="apt-get install gcc"):
        compile_job(tmp_path / "compiled")
    assert not (tmp_path / "compiled").exists()
