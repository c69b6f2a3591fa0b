"""Where the compiled job is: machine code, with which judging takes a quarter of the time.

`python -m cardwatch_job.compile` makes them. Whoever starts the job puts the folder first in its
`PYTHONPATH`; without it the job runs as it is written, by the interpreter.
"""

import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGES: Final = ("cardwatch_contracts", "cardwatch_job")
STAMP: Final = "SOURCES"
"""File that tells from which sources the folder was made."""


def default_folder() -> Path:
    """Return the folder of this Python environment."""
    return Path(sys.prefix) / "compiled"


def find_compiled(folder: Path | None = None) -> Path | None:
    """Return the folder if it was made from the sources that are installed now, else None."""
    folder = folder or default_folder()
    try:
        stamp = (folder / STAMP).read_text()
    except OSError:
        return None
    return folder if stamp == fingerprint() else None


def source_of(package: str) -> Path:
    """Return the folder of an installed package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed", name=package)
    return Path(spec.origin).parent


def fingerprint() -> str:
    """Return a digest of the sources and of the kind of Python."""
    digest = sha256(sys.implementation.cache_tag.encode())
    for package in PACKAGES:
        folder = source_of(package)
        sources = [path for path in folder.rglob("*") if path.suffix in (".py", ".pyx", ".pxd")]
        for path in sorted(sources):
            digest.update(f"\n{package}/{path.relative_to(folder)}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
