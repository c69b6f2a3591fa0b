import importlib

import pytest

from cardwatch_job.detectors import DETECTORS
from cardwatch_local.demo.report import DETECTOR_NAMES
from cardwatch_local.reading.offsets import JOB_GROUP


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyFlink's own, while it is imported
def test_progress_is_read_from_the_group_the_job_commits_under() -> None:
    sources = importlib.import_module("cardwatch_job.sources")
    assert sources.CONSUMER_GROUP == JOB_GROUP


def test_the_report_knows_every_detector() -> None:
    assert {detector.name for detector in DETECTORS} == set(DETECTOR_NAMES)
