"""What every command says while it runs, and the report it leaves."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from cardwatch_local.demo.machine import describe_machine

_FILE_WIDTH = 130

console = Console(width=None if sys.stdout.isatty() else _FILE_WIDTH)


def say(line: str) -> None:
    """Print a line of progress."""
    console.print(f"{time.strftime('%H:%M:%S')}  {line}", highlight=False)


def write_report(path: Path | None, report: Mapping[str, Any]) -> None:
    """Write what was found, and on what machine, as JSON; nothing without a path."""
    if path is None:
        return
    document = {**report, "machine": describe_machine()}
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    say(f"report in {path}")
