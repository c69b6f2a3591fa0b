"""What every story on a node begins and ends with."""

import os
import time
from typing import Final

import pytest
from tests.integration.job.feed import wait_until
from tests.node.observed import left_in, say
from tests.node.release import Release

ON_A_NODE: Final = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="a node on this machine itself needs root"),
]
_READY_S: Final = 300.0


def wait_installed(release: Release, began: float, *deployments: str) -> None:
    """Wait until Kafka, some Deployments and the job are there; times count from `began`."""
    for kind, name, condition in (
        ("kafka", "cardwatch", "Ready"),
        *(("deployment", name, "Available") for name in deployments),
        ("flinkdeployment", "cardwatch", "Running"),
    ):
        release.wait(kind, name, condition, _READY_S)
        say(f"{kind} {name} {condition}", began)


def try_out(release: Release, began: float) -> str:
    """Pay as `helm test` does, by Kafka and by HTTP, until the alerts come; return its words."""
    said = release.helm("test", "cardwatch", "--logs")
    assert "alert " in said, said
    say("first alerts, from Kafka and by HTTP", began)
    return said


def uninstall(release: Release) -> None:
    """Remove the platform; its namespace has nothing left of it."""
    began = time.monotonic()
    release.helm("uninstall", "cardwatch", "--wait", "--timeout", "5m")
    wait_until(lambda: left_in(release) == [], f"nothing to be left: {left_in(release)}", 120)
    say("uninstalled", began)
