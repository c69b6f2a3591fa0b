"""Reads the state of the job from Flink's REST interface."""

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """One look at the job."""

    state: str
    """Flink's word: CREATED, RUNNING, RESTARTING, FAILED, …"""
    tasks: int
    """Subtasks of the job as it is scheduled now."""
    running_tasks: int
    """Subtasks that process records."""

    @property
    def is_running(self) -> bool:
        """Whether every subtask processes records."""
        return self.state == "RUNNING" and 0 < self.tasks == self.running_tasks


class FlinkRest:
    """The REST interface of a JobManager that runs one job."""

    def __init__(self, url: str) -> None:
        """Ask the JobManager at `url`, `http://host:port`."""
        self._url = url

    def job_status(self) -> JobStatus | None:
        """Return the job's status, None while there is no answer or no job yet."""
        overview = self._get("/jobs/overview")
        if not overview or not overview["jobs"]:
            return None
        job = overview["jobs"][0]
        tasks = job["tasks"]
        return JobStatus(state=job["state"], tasks=tasks["total"], running_tasks=tasks["running"])

    def taskmanagers(self) -> int | None:
        """Return how many TaskManagers the JobManager knows, None if it does not answer."""
        overview = self._get("/overview")
        return None if overview is None else int(overview["taskmanagers"])

    def parallelism(self) -> int | None:
        """Return how many subtasks the job is scheduled with now, None where nothing answers."""
        overview = self._get("/jobs/overview")
        if not overview or not overview["jobs"]:
            return None
        job = self._get(f"/jobs/{overview['jobs'][0]['jid']}")
        return (
            max((vertex["parallelism"] for vertex in job["vertices"]), default=0) if job else None
        )

    def running_parallelism(self) -> int | None:
        """Return how many subtasks run, None while not all do, or where nothing answers."""
        status = self.job_status()
        return self.parallelism() if status is not None and status.is_running else None

    def root_exception(self) -> str | None:
        """Return why the job last failed, None if it did not or nothing answers."""
        overview = self._get("/jobs/overview")
        if not overview or not overview["jobs"]:
            return None
        exceptions = self._get(f"/jobs/{overview['jobs'][0]['jid']}/exceptions")
        if not exceptions or not exceptions["exceptionHistory"]["entries"]:
            return None
        return innermost_cause(exceptions["exceptionHistory"]["entries"][0]["stacktrace"])

    def _get(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(self._url + path, timeout=_TIMEOUT_S) as answer:
                return json.load(answer)
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
            return None  # still starting, or going down


def innermost_cause(stacktrace: str) -> str:
    """Return what a Java stack trace ends at: the last cause, with a Python traceback in it.

    The lines of Java frames are left out: they say where in Flink, not what went wrong.
    """
    last = stacktrace.rsplit("Caused by: ", maxsplit=1)[-1]
    lines = [line for line in last.splitlines() if not line.startswith(("\tat ", "\t... "))]
    return "\n".join(lines).strip()
