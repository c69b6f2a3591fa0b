"""`stack.json`: what a stack tells other processes about itself."""

import os
import tempfile
from pathlib import Path
from typing import Literal

import msgspec

from cardwatch_local.endpoints import Endpoints

StackStatus = Literal["starting", "ready", "stopping", "failed"]
ServiceStatus = Literal["starting", "ready", "restarting", "stopped", "failed"]


class ServiceState(msgspec.Struct, frozen=True, kw_only=True):
    """One server."""

    name: str
    status: ServiceStatus
    """`restarting`: died, to be started again after a pause. `failed`: died too often."""
    pid: int | None
    """Process id, None while it does not run."""
    restarts: int
    """How often it died and was started again."""
    log_file: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the start."""

    name: str
    total: int | None = None
    done: int = 0
    finished: bool = False


class StackState(msgspec.Struct, frozen=True, kw_only=True):
    """The whole stack."""

    name: str
    status: StackStatus
    pid: int
    """The process that holds the stack."""
    started_at: str
    """When its start began, ISO 8601 in UTC."""
    versions: dict[str, str]
    """Version of each server, and of Cardwatch."""
    endpoints: Endpoints | None = None
    """Set as soon as the ports are known."""
    services: list[ServiceState] = []
    steps: list[Step] = []
    """The steps of the start so far, in order."""
    error: str | None = None
    """Why the stack failed to start."""


def write_state(path: Path, state: StackState) -> None:
    """Write `state` so that a reader sees the old file or the new one, nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, fresh = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(fd, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state)))
    Path(fresh).replace(path)


def read_state(path: Path) -> StackState | None:
    """Return the state in `path`, None if there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=StackState)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None  # never started, or by another version
