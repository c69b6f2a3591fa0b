"""Finds the checkpoint a job goes on from."""

from pathlib import Path


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint below `folder`, None if there is none.

    Flink lays them out as `<job id>/chk-<number>/_metadata` and writes `_metadata` last, in one
    step, so a folder that has it is complete. Every start has a job id of its own, so the time
    of writing decides, not the number.
    """
    complete = folder.glob("*/chk-*/_metadata")
    newest = max(complete, key=lambda path: path.stat().st_mtime_ns, default=None)
    return None if newest is None else newest.parent
