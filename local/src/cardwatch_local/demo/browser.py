"""Pages, opened in the browser of whoever sits there."""

import os
import shutil
import subprocess
import sys
from threading import Thread


def open_page(url: str) -> bool:
    """Open an address in the user's browser, where there is a desktop; return whether it was asked.

    A text browser is never taken: it would have the terminal.
    """
    program = _program()
    if program is None:
        return False
    # Some run until the browser is closed; and Ctrl-C here is not for it.
    Thread(target=_run, args=(program, url), daemon=True).start()
    return True


def _program() -> str | None:
    if sys.platform == "darwin":
        return shutil.which("open")
    has_screen = any(os.environ.get(each) for each in ("DISPLAY", "WAYLAND_DISPLAY"))
    return shutil.which("xdg-open") if has_screen else None


def _run(program: str, url: str) -> None:
    subprocess.run(
        [program, url],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
