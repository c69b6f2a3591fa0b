"""The checkpoints a job goes on from.

Flink lays them out as `<job id>/chk-<number>/_metadata` and writes `_metadata` last, in one step,
so a folder that has it is complete. Every start has a job id of its own, so the time of writing
decides which is newest, not the number.
"""

import shutil
from pathlib import Path


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint below `folder`, None if there is none."""
    complete = folder.glob("*/chk-*/_metadata")
    newest = max(complete, key=lambda path: path.stat().st_mtime_ns, default=None)
    return None if newest is None else newest.parent


def remove_outdated(folder: Path, newest: Path | None) -> None:
    """Remove what earlier runs left below `folder`, except the run `newest` belongs to.

    Flink keeps a run's last checkpoint when the run ends, and never removes it. To be called
    while no job runs.
    """
    for run in folder.glob("*"):
        if newest is None or run != newest.parent:
            shutil.rmtree(run)
