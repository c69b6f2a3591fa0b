"""`config-changes`: DetectorConfigs edited and scaled on a real Kubernetes API, under load."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from confluent_kafka import OFFSET_END, Message
from tests.chaos.faults import Load
from tests.cluster.api_server import KubernetesApi
from tests.cluster.definitions import install_definitions
from tests.cluster.platform import Platform, running_platform
from tests.integration.conftest import fetch_jars
from tests.integration.job.feed import drain

from benchmarks.commands.options import Report
from benchmarks.errors import BenchError
from benchmarks.latency import Spread
from benchmarks.reporting import say, write_report
from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.topics import ALERTS
from cardwatch_local.demo.oracle import gather
from cardwatch_operator.reader import Follower, value_of

EXAMPLES: Final = (
    "python -m benchmarks config-changes",
    "python -m benchmarks config-changes --edits 20 --report config.json",
)
_NAME: Final = "bench"
_BANK: Final = "bench-bank"
_STEPS: Final = (2, 4, 1)
_APPLY_S: Final = 60.0
_ALERT_S: Final = 60.0
_RESCALE_S: Final = 180.0


def config_changes(
    *,
    edits: Annotated[int, typer.Option(min=1, help="How often a threshold is edited.")] = 100,
    report: Report = None,
) -> None:
    """Measure the time from an edit to `Applied` and to a new parallelism, under load.

    Needs Go, which builds the Kubernetes API once. This program starts and stops TaskManagers
    when the operator has changed the FlinkDeployment, as Flink's own operator would.
    """
    with _platform() as platform:
        load = Load(platform.stack)
        rescales = _rescale(platform, load)
        with load.on(taskmanagers=2):
            findings = _edit(platform, edits)
    write_report(report, {**findings, "rescale": rescales})


def _edit(platform: Platform, edits: int) -> dict[str, Any]:
    """Edit a threshold again and again; after each `Applied` a payment must be judged by it."""
    apply_ms: list[float] = []
    alert_ms: list[float] = []
    false_applied = 0
    alerts = _Alerts(platform.stack.bootstrap_servers)
    alerts.start()
    for number in range(edits):
        threshold = 10_000 + number * 100
        began = time.monotonic()
        revision = platform.patch(
            _NAME, {"detectors": {"veryHighValue": {"maxAmountMinor": threshold}}}
        )
        status = platform.wait_status(_NAME, _is_applied(revision), _APPLY_S)
        apply_ms.append((time.monotonic() - began) * 1000)
        asked, sure = platform.pay(threshold + 50, bank_id=_BANK)
        alert, came = alerts.wait(asked, sure)
        alert_ms.append((came - began) * 1000)
        judged_by = None if alert is None else (alert.config, alert.generation)
        false_applied += judged_by != (_NAME, status["appliedGeneration"])
    alerts.end()
    applied, alerted = Spread.of(apply_ms), Spread.of(alert_ms)
    say(f"edits applied, as the API server shows it: {applied}; {false_applied} falsely so")
    say(f"from an edit to the first committed alert of a payment made after it: {alerted}")
    return {
        "edits": edits,
        "applied": len(apply_ms),
        "false_applied": false_applied,
        "apply_ms": _as_json(applied),
        "first_alert_ms": _as_json(alerted),
    }


class _Alerts(Follower):
    """The alerts that consumers see, and when they saw them."""

    def __init__(self, bootstrap_servers: str) -> None:
        super().__init__(bootstrap_servers, ALERTS, isolation="read_committed", start=OFFSET_END)
        self._came: dict[str, tuple[Alert, float]] = {}
        self._ends = 0
        self._news = threading.Condition()

    def start(self) -> None:
        """Begin to read, and wait until nothing that comes from now on is missed."""
        super().start()
        with self._news:
            self._news.wait_for(lambda: self._ends >= ALERTS.partitions, _ALERT_S)

    def reached_end(self) -> None:
        with self._news:
            self._ends += 1
            self._news.notify()

    def take(self, message: Message) -> None:
        alert = decode_alert(value_of(message))
        with self._news:
            self._came[alert.transaction.transaction_id] = (alert, time.monotonic())
            self._news.notify()

    def wait(self, asked: str, sure: str) -> tuple[Alert | None, float]:
        """Wait until `sure` has an alert; return that of `asked`, if it has one, and its time."""
        with self._news:
            came = self._news.wait_for(lambda: sure in self._came, _ALERT_S)
            if not came:
                raise BenchError(f"transaction {sure} has no alert after {_ALERT_S:.0f} s")
            return self._came.get(asked, (None, self._came[sure][1]))


def _rescale(platform: Platform, load: Load) -> list[dict[str, Any]]:
    """Scale the DetectorConfig as kubectl does; hold all alerts against the reference after."""
    platform.deploy_job(1)
    platform.apply(_NAME, {"selector": {"bankIds": [_BANK]}, "parallelism": 1})
    platform.wait_applied(_NAME, timeout_s=_APPLY_S)
    steps = []
    before = 1
    with load.on(taskmanagers=1):
        for count in _STEPS:
            began = time.monotonic()
            platform.api.kubectl("scale", f"dc/{_NAME}", f"--replicas={count}")
            platform.act_as_flink_operator(count)
            platform.wait_status(_NAME, _is_rescaled_to(count), _RESCALE_S)
            steps.append({"from": before, "to": count, "seconds": time.monotonic() - began})
            before = count
    drain(platform.stack)
    # The config selects none of what was paid so far: the reference judges as the job did.
    evidence = replace(gather(platform.stack.bootstrap_servers), configs=0)
    comparison = evidence.check()
    assert comparison is not None, "it knows of no configs"
    for step in steps:
        step["seconds"] = round(step["seconds"], 1)
        step |= {"lost": len(comparison.lost), "duplicate": len(comparison.duplicate)}
        say("{from} to {to} subtasks in {seconds} s, {lost} lost, {duplicate} twice".format(**step))
    return steps


def _as_json(spread: Spread) -> dict[str, float]:
    return {
        "p50": round(spread.p50_ms, 1),
        "p99": round(spread.p99_ms, 1),
        "max": round(spread.max_ms, 1),
    }


def _is_applied(revision: int) -> Callable[[dict[str, Any]], bool]:
    return lambda status: _holds(status, "Applied") and status["observedGeneration"] == revision


def _is_rescaled_to(count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda status: status.get("parallelism") == count and _holds(status, "Rescaled")


def _holds(status: dict[str, Any], condition: str) -> bool:
    return any(
        each["type"] == condition and each["status"] == "True"
        for each in status.get("conditions", ())
    )


@contextmanager
def _platform() -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(prefix="cardwatch-bench-") as folder:
        home = Path(folder)
        api = KubernetesApi(home / "kubernetes")
        try:
            api.start()
            install_definitions(api)
            jars = fetch_jars()
            with running_platform(api, home, jars, taskmanagers=4, started=1) as platform:
                yield platform
        finally:
            api.stop()
