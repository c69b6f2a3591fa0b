"""The job as its JobManager's REST interface knows it."""

import json
import time
import urllib.error
import urllib.request
from typing import Any, Final

from tests.cluster.standins.kubernetes import Document

_TIMEOUT_S: Final = 2.0
_SAVEPOINT_S: Final = 60.0


def job_at(url: str) -> tuple[bool, Document | None]:
    """Return whether a JobManager answers, and its newest job, if it has one yet."""
    if not url:
        return False, None
    try:
        jobs = _ask(f"{url}/jobs/overview")["jobs"]
    except (OSError, ValueError, KeyError):
        return False, None
    return True, max(jobs, key=lambda job: job["start-time"], default=None)


def stop_with_savepoint(url: str, job_id: str, folder: str | None) -> str:
    """Stop a job with a savepoint, and return where that is.

    Raises:
        OSError: there was none within a minute.
    """
    body = {"drain": False} | ({"targetDirectory": folder} if folder else {})
    trigger = _ask(f"{url}/jobs/{job_id}/stop", body)["request-id"]
    deadline = time.monotonic() + _SAVEPOINT_S
    while time.monotonic() < deadline:
        answer = _ask(f"{url}/jobs/{job_id}/savepoints/{trigger}")
        if answer["status"]["id"] == "COMPLETED":
            operation = answer["operation"]
            if "location" not in operation:
                raise OSError(f"no savepoint: {operation.get('failure-cause')}")
            return str(operation["location"])
        time.sleep(0.5)
    raise OSError(f"no savepoint of job {job_id} within {_SAVEPOINT_S:.0f} s")


def _ask(url: str, body: Document | None = None) -> Any:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        return json.load(answer)
