"""Models as files in a folder, named by what they are called."""

import os
import tempfile
from pathlib import Path

from cardwatch_job.model.artefact import Artefact, ArtefactError, encode_artefact, read_artefact
from cardwatch_local.errors import StackError

SUFFIX = ".model.json"


def path_of(folder: Path, name: str) -> Path:
    """Return where a model is kept: a file that is named, or one of the folder."""
    return Path(name) if name.endswith(".json") else folder / f"{name}{SUFFIX}"


def load(path: Path) -> Artefact:
    """Read a model.

    Raises:
        StackError: there is none, or it is refused; says why.
    """
    try:
        return read_artefact(path.read_bytes())
    except FileNotFoundError:
        raise StackError(
            f"{path}: there is no such model; `cardwatch model list` shows them"
        ) from None
    except ArtefactError as error:
        raise StackError(f"{path}: {error}") from None


def keep(artefact: Artefact, path: Path) -> None:
    """Write a model; it is there when it is whole.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(encode_artefact(artefact))
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def names_in(folder: Path) -> list[str]:
    """Return what the models of a folder are called."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))
