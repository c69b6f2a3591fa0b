"""A chromium without a screen."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright
from tests.cluster.node.machine import install

_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run Debian's chromium until the end of the block; it is installed where there is none."""
    if not any(map(shutil.which, _PROGRAMS)):
        install({"chromium": "chromium"})
    program = next(found for name in _PROGRAMS if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        # Root, as tests in containers are, has no sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
