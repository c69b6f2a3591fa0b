"""Lays Flink out as its own image has it, for the job's image: see `flink_job/Dockerfile`.

    python -m cardwatch_local.flink_home /opt/flink

Programs and jars come from the PyFlink that is installed, where they are taken away: an image is to
hold them once.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cardwatch_local.flink_jars import FLINK_HOME, unpack_planner
from cardwatch_local.jar_lock import LockedJar, read_lock
from cardwatch_local.jars import JarStore

_FOLDERS: Final = ("bin", "conf", "lib", "opt", "plugins")
_PLUGINS: Final = {"flink-s3": "s3-fs-presto"}
"""Plugins by the name their jars are locked under, with the folder each gets."""


def lay_out(home: Path, jars: JarStore) -> None:
    """Make `home`, which must not exist yet, from PyFlink and the locked jars."""
    home.mkdir(parents=True)
    for name in _FOLDERS:
        shutil.move(FLINK_HOME / name, home / name)
    library = home / "lib"
    # One class loader for SQL and the job, as on a laptop, and a quicker start.
    for loader in library.glob("flink-table-planner-loader-*.jar"):
        unpack_planner(loader, library)
        loader.unlink()
    # Both places: a job that starts anew in the same JVM must find the classes it had.
    for jar in (home / "opt").glob("flink-python-*.jar"):
        shutil.copy(jar, library)
    _copy(jars, read_lock(["flink"]), library)
    for server, folder in _PLUGINS.items():
        _copy(jars, read_lock([server]), home / "plugins" / folder)
    (home / "log").mkdir()


def _copy(store: JarStore, jars: Sequence[LockedJar], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for path in store.fetch(jars):
        shutil.copy(path, folder)


def main(arguments: Sequence[str]) -> None:
    """Lay it out in the folder that is the only argument."""
    if len(arguments) != 1:
        sys.exit("usage: python -m cardwatch_local.flink_home FOLDER")
    home = Path(arguments[0])
    store = home.parent / "flink-jars"
    lay_out(home, JarStore(store))
    shutil.rmtree(store)


if __name__ == "__main__":
    main(sys.argv[1:])
