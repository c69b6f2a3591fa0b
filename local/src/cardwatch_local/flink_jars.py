"""The jars that come with PyFlink, arranged for a quick start."""

import shutil
import zipfile
from pathlib import Path
from typing import Final

import pyflink

FLINK_HOME: Final = Path(pyflink.__file__).parent
_PLANNER: Final = "flink-table-planner.jar"


def flink_classpath(folder: Path) -> tuple[Path, ...]:
    """Return the jars of a JobManager or TaskManager, with Python and SQL.

    PyFlink hides the SQL planner in a jar within `flink-table-planner-loader`, unpacked and
    loaded apart at every start, so that users may bring another Scala. Nobody does here, and
    classes on the plain classpath can come from a class archive: the planner is unpacked once,
    into `folder`.
    """
    loaders = sorted((FLINK_HOME / "lib").glob("flink-table-planner-loader-*.jar"))
    planners = [unpack_planner(loader, folder) for loader in loaders]
    libraries = [jar for jar in sorted((FLINK_HOME / "lib").glob("*.jar")) if jar not in loaders]
    python = sorted((FLINK_HOME / "opt").glob("flink-python-*.jar"))
    return (*libraries, *planners, *python)


def unpack_planner(loader: Path, folder: Path) -> Path:
    """Unpack the planner within `loader` into `folder`, unless it is there; return its path."""
    planner = folder / loader.name.replace("-loader", "")
    with zipfile.ZipFile(loader) as archive:
        if planner.exists() and planner.stat().st_size == archive.getinfo(_PLANNER).file_size:
            return planner
        folder.mkdir(parents=True, exist_ok=True)
        fresh = planner.with_suffix(".new")
        with archive.open(_PLANNER) as source, fresh.open("wb") as target:
            shutil.copyfileobj(source, target)
    fresh.replace(planner)
    return planner
