"""The page is opened where there is a desktop, by the program that desktops have for it."""

import os
import time
from pathlib import Path
from typing import Final

import pytest

from cardwatch_local.demo.browser import open_page

_URL: Final = "http://127.0.0.1:8050"


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A desktop; its xdg-open writes down what it was asked."""
    said = tmp_path / "said"
    program = tmp_path / "xdg-open"
    program.write_text(f'#!/bin/sh\necho "$@" > {said}.part && mv {said}.part {said}\n')
    program.chmod(0o755)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return said


def test_a_desktop_is_asked_for_the_page(desktop: Path) -> None:
    assert open_page(_URL)
    deadline = time.monotonic() + 30
    while not desktop.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert desktop.read_text() == f"{_URL}\n"


def test_without_a_screen_nothing_is_asked(desktop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", "")
    assert not open_page(_URL)
    assert not desktop.exists()


def test_without_the_program_nothing_is_asked(
    desktop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not open_page(_URL)
    assert not desktop.exists()
