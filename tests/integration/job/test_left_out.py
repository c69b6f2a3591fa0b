"""A Python worker does without packages that Beam would import for nothing."""

import os
import subprocess
import sys
from pathlib import Path

from cardwatch_job import left_out
from cardwatch_local.settings import StackSettings

_WORKER = """
import sys
import pyflink.fn_execution.beam.beam_sdk_worker_main
import cardwatch_job.scoring

print(*sorted(name for name, module in sys.modules.items() if module is not None))
"""
_NAMES = {path.stem for path in left_out.FOLDER.glob("*.py")} - {"__init__"}


def _imported(path: list[str]) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", _WORKER],
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
    )
    return set(run.stdout.split())


def test_a_worker_of_the_stack_imports_none_of_them(tmp_path: Path) -> None:
    imported = _imported(StackSettings(home=tmp_path).python_path)
    assert imported.isdisjoint(_NAMES)
    assert "apache_beam" in imported


def test_each_of_them_would_be_imported_otherwise() -> None:
    """Or it need not be on the list."""
    own = os.environ.get("PYTHONPATH")
    assert _imported([own] if own else []) >= _NAMES
