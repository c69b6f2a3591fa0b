"""Looks before the stack starts whether this machine can carry it."""

import os
import resource
import shutil
from pathlib import Path
from typing import Final

import psutil

from cardwatch_local.errors import StackError
from cardwatch_local.ports import is_taken
from cardwatch_local.settings import StackSettings

_GIB: Final = 1024**3
_MIN_FREE_DISK: Final = 2 * _GIB
_MIN_FREE_MEMORY: Final = int(2.5 * _GIB)
_MIN_OPEN_FILES: Final = 2048
"""The broker alone holds some five files for each partition."""


def check_machine(settings: StackSettings) -> None:
    """Return if the stack of `settings` can start here.

    Raises:
        StackError: With a sentence on what to do for everything that is missing, at once.
    """
    problems = [home_problem(settings.home)]
    if problems == [None]:
        free = shutil.disk_usage(settings.home).free
        problems.append(disk_problem(free_bytes=free, folder=settings.home))
    problems.append(memory_problem(available_bytes=psutil.virtual_memory().available))
    problems.append(open_files_problem(_raise_open_files()))
    for option, port in (
        ("Kafka", settings.kafka_port),
        ("Valkey", settings.valkey_port),
        ("PostgreSQL", settings.postgres_port),
        ("the gateway", settings.gateway_port),
        ("the visualizer", settings.visualizer_port),
        ("Flink's REST interface", settings.flink_rest_port),
    ):
        if port is not None and is_taken(port):
            problems.append(
                f"port {port} for {option} is taken by another program: "
                "stop that, choose another port, or leave the port out to get a free one"
            )
    found = [problem for problem in problems if problem is not None]
    if found:
        raise StackError("; ".join(found))


def home_problem(home: Path) -> str | None:
    """Return what is wrong with the folder everything is kept in, None if nothing is."""
    advice = "set CARDWATCH_HOME to a folder you may write to"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        return f"{home} cannot be a folder, a file is in the way: {advice}"
    except OSError as error:
        return f"{home} cannot be made ({error.strerror}): {advice}"
    if not os.access(home, os.W_OK | os.X_OK):
        return f"{home} is not writable: {advice}"
    return None


def disk_problem(*, free_bytes: int, folder: Path) -> str | None:
    """Return a sentence if `free_bytes` on the disk of `folder` are too few."""
    if free_bytes >= _MIN_FREE_DISK:
        return None
    return (
        f"only {free_bytes / _GIB:.1f} GiB are free on the disk of {folder}, "
        f"{_MIN_FREE_DISK / _GIB:.0f} are needed: make room, or set CARDWATCH_HOME to a folder "
        "on another disk"
    )


def memory_problem(*, available_bytes: int) -> str | None:
    """Return a sentence if `available_bytes` of memory are too few."""
    if available_bytes >= _MIN_FREE_MEMORY:
        return None
    return (
        f"only {available_bytes / _GIB:.1f} GiB of memory are available, "
        f"{_MIN_FREE_MEMORY / _GIB:.1f} are needed: end other programs, or stop another stack "
        "with `cardwatch down`"
    )


def open_files_problem(limit: int) -> str | None:
    """Return a sentence if a process may have only `limit` files open, and that is too few."""
    if limit >= _MIN_OPEN_FILES:
        return None
    return (
        f"a process may open only {limit} files here, {_MIN_OPEN_FILES} are needed: "
        f"raise the limit with `ulimit -n {_MIN_OPEN_FILES}`"
    )


def _raise_open_files() -> int:
    """Raise the soft limit of open files as far as needed and allowed; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _MIN_OPEN_FILES:
        return _MIN_OPEN_FILES if soft == resource.RLIM_INFINITY else soft
    wanted = _MIN_OPEN_FILES if hard == resource.RLIM_INFINITY else min(_MIN_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
