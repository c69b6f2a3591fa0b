import re

import pytest
from typer.testing import CliRunner

from cardwatch_local.cli import app
from cardwatch_local.commands import (
    alerts,
    ask,
    cards,
    config_history,
    configs,
    demo,
    erase,
    explain,
    export,
    generate,
    init_db,
    model,
    model_list,
    model_profiles,
    model_run,
    model_versions,
    replay,
    stack,
    train,
)

EXAMPLES = {
    "demo": demo.EXAMPLES,
    "up": stack.UP_EXAMPLES,
    "down": stack.DOWN_EXAMPLES,
    "status": stack.STATUS_EXAMPLES,
    "logs": stack.LOGS_EXAMPLES,
    "clean": stack.CLEAN_EXAMPLES,
    "generate": generate.EXAMPLES,
    "replay": replay.EXAMPLES,
    "alerts": alerts.EXAMPLES,
    "explain": explain.EXAMPLES,
    "cards": cards.EXAMPLES,
    "ask": ask.EXAMPLES,
    "export": export.EXAMPLES,
    "erase": erase.EXAMPLES,
    "init-db": init_db.EXAMPLES,
    "apply": configs.APPLY_EXAMPLES,
    "get": configs.GET_EXAMPLES,
    "diff": configs.DIFF_EXAMPLES,
    "history": config_history.HISTORY_EXAMPLES,
    "rollback": config_history.ROLLBACK_EXAMPLES,
    "delete": config_history.DELETE_EXAMPLES,
    "train": train.EXAMPLES,
}
MODEL_EXAMPLES = {
    "publish": model_versions.PUBLISH_EXAMPLES,
    "promote": model_versions.PROMOTE_EXAMPLES,
    "init-profiles": model_profiles.EXAMPLES,
    "reset": model_versions.RESET_EXAMPLES,
    "list": model_list.EXAMPLES,
    "stats": model.STATS_EXAMPLES,
    "run-enhanced": model_run.EXAMPLES,
    "run": model.RUN_EXAMPLES,
}
RUNNER = CliRunner(env={"COLUMNS": "140", "NO_COLOR": "1", "TERM": "dumb"})


def test_every_command_is_listed() -> None:
    shown = RUNNER.invoke(app, ["--help"]).output
    for command in EXAMPLES:
        assert re.search(rf"\b{command}\b", shown)


@pytest.mark.parametrize("command", EXAMPLES)
def test_help_has_one_to_three_examples_each_on_its_line(command: str) -> None:
    result = RUNNER.invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert 1 <= len(EXAMPLES[command]) <= 3
    lines = [line.strip() for line in result.output.splitlines()]
    for example in EXAMPLES[command]:
        assert example in lines


@pytest.mark.parametrize("command", MODEL_EXAMPLES)
def test_help_of_a_models_command_has_its_examples(command: str) -> None:
    result = RUNNER.invoke(app, ["model", command, "--help"])
    assert result.exit_code == 0
    lines = [line.strip() for line in result.output.splitlines()]
    for example in MODEL_EXAMPLES[command]:
        assert example in lines
        for option in re.findall(r"(?<= )--?[a-z][a-z-]*", example):
            assert option in result.output


@pytest.mark.parametrize("command", EXAMPLES)
def test_the_options_of_an_example_exist(command: str) -> None:
    shown = RUNNER.invoke(app, [command, "--help"]).output
    for example in EXAMPLES[command]:
        own = example.partition(" | ")[0]
        for option in re.findall(r"(?<= )--?[a-z][a-z-]*", own):
            assert option in shown, f"{option} of `{example}`"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["demo", "--durration", "5"], "No such option: --durration"),
        (["demo", "--duration", "soon"], "allowed are 90s, 10m"),
        (["alerts", "--detector", "magic"], "there are amount_spike"),
        (["alerts", "--mode", "loud"], "active"),
        (["cards", "tok_a", "--user", "1"], "not both"),
        (["up", "--parallelism", "0"], "--parallelism"),
        (["history"], "Missing argument 'NAME'"),
        (["rollback", "strict", "--to-generation", "0"], "--to-generation"),
        (["delete", "strict", "--timeout", "soon"], "allowed are 90s, 10m"),
        (["diff"], "Missing option '--filename'"),
        (["get", "pods"], "detectorconfigs"),
        (["ask", "why"], "there are banks, hours"),
        (["ask", "banks", "--from", "soon"], "allowed are a date such as 2026-11-21"),
        (["ask", "banks", "--from", "2026-11-22", "--to", "2026-11-21"], "is not before --to"),
        (["export", "cards", "--output", "a.csv"], "alerts"),
        (["export", "alerts", "--output", "alerts.txt"], "neither .csv nor .parquet"),
        (["erase", "4111111111111111"], "no card number"),
        (["fly"], "No such command"),
    ],
)
def test_what_is_not_allowed_is_named_with_status_2(arguments: list[str], named: str) -> None:
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 2
    assert named in re.sub(r"[\s│]+", " ", result.output)
