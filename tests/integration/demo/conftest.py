"""`cardwatch` as a user runs it: as a process, with a home of its own."""

from pathlib import Path

import pytest
from tests.integration.demo.user import User


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path) -> User:
    """A user whose jars are there already, so that a start costs no download."""
    home = tmp_path_factory.mktemp("home")
    (home / "jars").symlink_to(fetched_jars)
    return User(home=home)
