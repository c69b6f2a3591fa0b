"""The environment of the peers."""

from pathlib import Path

from benchmarks.errors import BenchError
from benchmarks.settings import PEERS_PYTHON


def peers_python(python: Path = PEERS_PYTHON) -> Path:
    """Return the interpreter that has Quix Streams and Bytewax.

    Raises:
        BenchError: it has not been made.
    """
    if not python.exists():
        raise BenchError(f"{python} is not there: `sh scripts/bootstrap.sh bench` makes it")
    return python
