"""A real browser in front of a whole stack with payments coming."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser
from tests.browser.chromium import running_chromium
from tests.integration.conftest import fetch_jars

from cardwatch_local.endpoints import Endpoints
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack import Stack

SHOTS: Final = Path("build/screenshots")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the stack, its logs included."""
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="session")
def endpoints(home: Path) -> Iterator[Endpoints]:
    """A whole stack, and a generator whose payments are fraudulent more often than in life."""
    (home / "jars").symlink_to(fetch_jars())
    with Stack(StackSettings(home=home, name="browser")) as stack:
        state = stack.status()
        assert state is not None and state.endpoints is not None
        command = [str(Path(sys.executable).with_name("cardwatch")), "generate"]
        command += ["--name", "browser", "--cards", "300", "--rate", "20", "--anomaly-share", "0.2"]
        with (home / "generator.log").open("wb") as log:
            generator = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | {"CARDWATCH_HOME": str(home)}
            )
        try:
            yield state.endpoints
        finally:
            generator.terminate()
            generator.wait(60)


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The accessibility engine axe-core, as npm has it."""
    folder = tmp_path_factory.mktemp("axe")
    command = ["npm", "pack", "--silent", "axe-core@4"]
    packed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    archive = folder / packed.stdout.split()[-1]
    shutil.unpack_archive(archive, folder, "gztar", filter="data")
    return (folder / "package/axe.min.js").read_text("utf-8")
