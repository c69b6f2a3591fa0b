"""Flink writes its logs as the other components write theirs, by the chart's configuration."""

import json
import logging
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from tests.unit.charts.rendering import FIRST_BUILD_S, only, render

from cardwatch_contracts.logs import JsonFormatter
from cardwatch_local.flink_jars import FLINK_HOME
from cardwatch_local.java import JAVA_HOME

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)


def test_flink_writes_the_same_objects(tmp_path: Path) -> None:
    configuration = tmp_path / "log4j-console.properties"
    spec = only(render(), "FlinkDeployment")["spec"]
    configuration.write_text(spec["logConfiguration"][configuration.name])

    (tmp_path / "config.yaml").write_text('taskmanager.numberOfTaskSlots: "1"\n')

    done = subprocess.run(
        [
            str(JAVA_HOME / "bin/java"),
            *("-cp", f"{FLINK_HOME / 'lib'}/*"),
            f"-Dlog4j.configurationFile={configuration}",
            f"-Dlog.file={tmp_path / 'flink.log'}",
            f"-Djava.io.tmpdir={tmp_path}",
            # It says much, then that it cannot start: too little is configured.
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            *("--configDir", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    (failed,) = (line for line in lines if "error" in line)
    ours = JsonFormatter().format(logging.makeLogRecord({"msg": "a", "levelname": "INFO"}))
    for line in lines:
        assert [key for key in line if key != "error"] == list(json.loads(ours))
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
    assert failed["level"] == "ERROR"
    assert failed["error"].startswith("org.apache.flink.util.FlinkException: Failed to start")
    assert "\n\tat org.apache.flink." in failed["error"]


def test_text_is_left_to_flinks_operator() -> None:
    assert "logConfiguration" not in only(render("logFormat=text"), "FlinkDeployment")["spec"]
