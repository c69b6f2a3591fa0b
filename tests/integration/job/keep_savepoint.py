"""Keeps a savepoint of this version of the job: `python -m tests.integration.job.keep_savepoint`.

`CONTRIBUTING.md` tells when.
"""

import json
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.integration.conftest import fetch_jars
from tests.integration.job.feed import drain, wait_judged, wait_until
from tests.integration.job.kept_savepoints import holds, kept, pack, send, unfinished
from tests.integration.job.savepoint_story import tell
from tests.integration.job.stack import JobStack, running_job

from cardwatch_job.detectors.stored import SCHEMA_VERSION

_TIMEOUT_S: Final = 30


def main() -> None:
    """Run the job through the story's first half, and keep what it remembers."""
    archive = kept(SCHEMA_VERSION)
    if archive.exists():
        sys.exit(
            f"{archive} is there already: a kept savepoint stays as it is. A change that it does "
            "not restore into, or that older versions would misread, raises SCHEMA_VERSION"
        )
    story = tell()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        jars = fetch_jars()
        with running_job(home, jars, taskmanagers=2, arguments=story.arguments) as stack:
            wanted = 0
            for step in story.before:
                wanted += step.judged
                send(stack.bootstrap_servers, step)
                wait_judged(stack, wanted)
            drain(stack)
            savepoint = _take_savepoint(stack, home / "savepoints")
            if unfinished(savepoint) or not holds(savepoint, story.waiting):
                sys.exit("what was to wait was judged too early, on a busy machine: try again")
        archive.parent.mkdir(exist_ok=True)
        pack(savepoint, story, archive)
    print(f"{archive}: {archive.stat().st_size:,} bytes")


def _take_savepoint(stack: JobStack, folder: Path) -> Path:
    """Take a savepoint below `folder`, and return its own."""
    jobs = _ask(f"{stack.cluster.url}/jobs/overview")["jobs"]
    url = f"{stack.cluster.url}/jobs/{jobs[0]['jid']}/savepoints"
    trigger = _ask(url, {"target-directory": folder.as_uri(), "cancel-job": False})["request-id"]
    answer: dict[str, Any] = {}

    def is_over() -> bool:
        answer.update(_ask(f"{url}/{trigger}"))
        return bool(answer["status"]["id"] == "COMPLETED")

    wait_until(is_over, "the savepoint")
    assert "location" in answer["operation"], answer["operation"]
    (savepoint,) = folder.iterdir()
    return savepoint


def _ask(url: str, body: dict[str, object] | None = None) -> Any:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
