"""Removes everything Cardwatch keeps on this machine."""

import shutil
from pathlib import Path

from cardwatch_local.errors import StackError
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack_lock import lock_holder


def stack_names(home: Path) -> list[str]:
    """Return the names of the stacks that have data below `home`, in alphabetical order."""
    return sorted(path.name for path in (home / "stacks").glob("*") if path.is_dir())


def clean(settings: StackSettings, *, jars: bool = True) -> list[Path]:
    """Remove the data, logs and jars of every stack of this home; return the folders removed.

    Only folders that Cardwatch made are touched, so a home that was pointed at a folder with
    other files in it keeps those.

    Args:
        settings: Whose home is cleaned.
        jars: Whether the downloaded jars go too.

    Raises:
        StackError: A stack is running; nothing is removed.
    """
    for name in stack_names(settings.home):
        holder = lock_holder(settings.home / "stacks" / name)
        if holder is not None:
            raise StackError(
                f"stack `{name}` is running, held by process {holder}: "
                f"stop it first with `cardwatch down --name {name}`"
            )
    folders = [settings.home / "stacks", *([settings.jars_dir] if jars else [])]
    found = [folder for folder in folders if folder.exists()]
    for folder in found:
        shutil.rmtree(folder)
    if settings.home.is_dir() and not any(settings.home.iterdir()):
        settings.home.rmdir()
    return found
