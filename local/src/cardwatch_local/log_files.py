"""The log files of a stack, read as `tail` would."""

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import BinaryIO, Final

_POLL_S: Final = 0.2
_LINE_BYTES: Final = 400


def log_files(folder: Path) -> dict[str, Path]:
    """Return the newest log of each service, by its name."""
    return {path.stem: path for path in sorted(folder.glob("*.log"))}


def show_logs(files: Mapping[str, Path], *, lines: int, write: Callable[[str], None]) -> None:
    """Write the last `lines` lines of each file; with several, each under its name."""
    for name, path in files.items():
        if len(files) > 1:
            write(f"==> {name} <==")
        for line in last_lines(path, lines):
            write(line)


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last `count` lines; of a long file only the end is read."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - _LINE_BYTES * (count + 1))
            file.seek(start)
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines = text.splitlines()
    if start:  # its beginning was cut
        del lines[:1]
    return list(deque(lines, maxlen=count))


def follow_logs(
    files: Mapping[str, Path],
    *,
    write: Callable[[str], None],
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Write what is added to the files, from now on, until `stopped`; also after a rotation."""
    with ExitStack() as cleanup:
        tails = {name: cleanup.enter_context(closing(_Tail(files[name]))) for name in files}
        while not stopped():
            quiet = True
            for name, tail in tails.items():
                for line in tail.new_lines():
                    quiet = False
                    write(f"{name}  {line}" if len(files) > 1 else line)
            if quiet:
                time.sleep(_POLL_S)


class _Tail:
    """The end of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""
        self._open(at_end=True)

    def new_lines(self) -> list[str]:
        """Return the complete lines that were added since the last call."""
        if self._file is not None and self._was_replaced(self._file):
            self.close()
        if self._file is None:
            self._open(at_end=False)
        if self._file is None:
            return []
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [line.decode("utf-8", errors="replace") for line in lines]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, *, at_end: bool) -> None:
        try:
            self._file = self._path.open("rb")
        except FileNotFoundError:
            return
        if at_end:
            self._file.seek(0, os.SEEK_END)

    def _was_replaced(self, file: BinaryIO) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        mine = os.fstat(file.fileno())
        return there.st_ino != mine.st_ino or there.st_size < file.tell()
