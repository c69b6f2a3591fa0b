from cardwatch_job.detectors import DETECTORS
from cardwatch_local.demo.report import DETECTOR_NAMES


def test_the_report_knows_every_detector() -> None:
    assert {detector.name for detector in DETECTORS} == set(DETECTOR_NAMES)
