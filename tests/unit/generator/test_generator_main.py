import subprocess
import sys
from pathlib import Path

from cardwatch_contracts.transaction import decode_transaction


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cardwatch_generator", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_writes_json_lines_and_says_how_many(tmp_path: Path) -> None:
    path = tmp_path / "transactions.jsonl"

    done = _run("--output", str(path), "--duration-s", "5", "--pace", "max", "--tps", "A=100")

    lines = path.read_bytes().splitlines()
    assert done.returncode == 0
    assert f"{len(lines):,} sent, {len(lines):,} acknowledged, 0 failed" in done.stderr
    assert sum(decode_transaction(line).bank_id == "A" for line in lines) > 400


def test_bad_options_end_it_with_a_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    for arguments, sentence in (
        (["--pace", "max"], "duration_s is missing: pace `max` needs an end"),
        (["--tps", "C=5"], "no bank C: there are A, B"),
        (["--config", str(missing)], f"{missing}: No such file or directory"),
    ):
        done = _run("--output", "-", *arguments)
        assert done.returncode == 1
        assert done.stderr == f"cardwatch_generator: {sentence}\n"
