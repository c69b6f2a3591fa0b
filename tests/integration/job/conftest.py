"""A broker and a job of each test's own: the tests compare all that is in the topics."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.job.stack import JobStack, running_job


@pytest.fixture
def job_stack(tmp_path: Path, fetched_jars: Path) -> Iterator[JobStack]:
    with running_job(tmp_path, fetched_jars, taskmanagers=2) as stack:
        yield stack
