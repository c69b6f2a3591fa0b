"""Jaeger, and a session's worth of time to build it."""

from collections.abc import Iterator

import pytest
from tests.cluster.programs import built
from tests.tracing.jaeger import Jaeger, running_jaeger

BUILD_S = 1800
"""Longest time of a test that may be the first, for which Jaeger and the collector are built."""


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Build both. Without Go, which builds them, the tests are skipped."""
    try:
        for name in ("jaeger", "collector"):
            built(name)
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def jaeger(programs: None) -> Iterator[Jaeger]:
    """A Jaeger for all tests: each has traces of its own."""
    with running_jaeger() as jaeger:
        yield jaeger
