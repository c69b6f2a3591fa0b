"""`cardwatch demo` from start to report, interrupted, and killed."""

import json
import signal
import time
from typing import Any

import pytest
from tests.integration.demo.user import User, wait_for_line

SMALL = ("--cards", "300", "--rate-a", "20", "--rate-b", "12", "--anomaly-share", "0.4")
START_S = 240.0
"""Generous: the machine may run other tests beside."""


@pytest.fixture(scope="module")
def report(user: User) -> dict[str, Any]:
    """The report of an unattended demo; the one before it was killed while it streamed."""
    first = user.start("demo", *SMALL)
    wait_for_line(first, "judged", START_S)
    first.kill()
    first.communicate()
    run = user.run(
        "demo", "--duration", "15", "--report", "demo.json", *SMALL, timeout_s=START_S + 120
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Everything is stopped" in run.stdout
    content: dict[str, Any] = json.loads((user.home / "demo.json").read_text())
    return content


@pytest.mark.timeout(900)
def test_the_job_finds_exactly_what_the_reference_finds(report: dict[str, Any]) -> None:
    assert report["reference"] == {"lost": 0, "duplicate": 0, "different": 0}
    assert report["dead_letters"] == 0


def test_the_live_phase_is_counted(report: dict[str, Any]) -> None:
    assert 15 * 32 * 0.5 < report["transactions"] < 15 * 32 * 2
    assert 0 < report["alerts"] <= report["transactions"]
    assert report["alerts"] <= sum(report["alerts_by_detector"].values())
    assert report["history_transactions"] >= 6 * 300
    assert 15 <= report["duration_s"] < 20


def test_at_least_six_detectors_find_something(report: dict[str, Any]) -> None:
    assert sum(count > 0 for count in report["alerts_by_detector"].values()) >= 6


def test_findings_are_held_against_the_labels(report: dict[str, Any]) -> None:
    labels = report["labels"]
    assert set(labels) == set(report["alerts_by_detector"])
    assert labels["negative_amount"]["recall"] == 1.0
    assert labels["negative_amount"]["precision"] == 1.0
    for score in labels.values():
        for share in (score["precision"], score["recall"]):
            assert share is None or 0 <= share <= 1


def test_latency_and_start_are_measured(report: dict[str, Any]) -> None:
    latency, committed = report["latency_ms"], report["latency_committed_ms"]
    assert 0 < latency["p50"] <= latency["p99"]
    assert latency["p50"] <= committed["p50"], "committed comes with the next checkpoint"
    assert report["startup_s"] > 1


def test_nothing_is_left_running(user: User, report: dict[str, Any]) -> None:
    assert report
    assert user.wait_until_alone(10) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_everything_in_order(user: User, number: int, status: int) -> None:
    demo = user.start("demo", "--duration", "600", *SMALL)
    wait_for_line(demo, "judged" if number == signal.SIGINT else "start the servers", START_S)
    demo.send_signal(number)
    sent_s = time.monotonic()
    rest, _ = demo.communicate(timeout=60)
    assert demo.returncode == status
    assert time.monotonic() - sent_s < 30
    assert "Everything is stopped" in rest
    assert user.wait_until_alone(10) == []
