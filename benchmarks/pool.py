"""Work in several processes at once, ended with the benchmark."""

import multiprocessing
import signal
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def in_parallel(function: Callable[..., T], tasks: list[tuple[Any, ...]]) -> list[T]:
    """Call `function` with each of `tasks` in a process of its own; return what they return.

    What one of them raises is raised here, and ends the others.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(len(tasks), initializer=_leave_ctrl_c_to_the_owner) as pool:
        return pool.starmap_async(function, tasks, chunksize=1).get()


def _leave_ctrl_c_to_the_owner() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
