import re
from pathlib import Path

from benchmarks.settings import REPOSITORY

_REQUIREMENTS = REPOSITORY / "requirements"


def _versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", lock.read_text(), re.MULTILINE))


def test_peers_judge_with_the_same_msgspec_as_the_job() -> None:
    peers, job = _versions(_REQUIREMENTS / "bench.txt"), _versions(_REQUIREMENTS / "run.txt")

    assert peers["msgspec"] == job["msgspec"]


def test_peers_are_locked_with_hashes_and_name_no_index() -> None:
    text = (_REQUIREMENTS / "bench.txt").read_text()
    versions = _versions(_REQUIREMENTS / "bench.txt")

    assert {"bytewax", "quixstreams", "confluent-kafka"} <= versions.keys()
    assert text.count("--hash=sha256:") > len(versions)
    assert "://" not in text


def test_what_tests_need_holds_no_peer() -> None:
    needed = _versions(_REQUIREMENTS / "run.txt") | _versions(_REQUIREMENTS / "dev.txt")

    assert not {"bytewax", "quixstreams"} & needed.keys()
