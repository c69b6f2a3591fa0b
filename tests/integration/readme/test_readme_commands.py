"""Every command in the README is run, and what the README shows of its output is still so."""

import pytest
from tests.integration.readme.reader import Typed
from tests.unit.project.fences import Command, commands
from tests.unit.project.machine import REPOSITORY

from cardwatch_contracts.detector_config import ON_BY_DEFAULT

_COMMANDS = commands((REPOSITORY / "README.md").read_text())
_START_TO_END_S = 900

# What is the same in every run: the rest of a line are numbers, ids and times.
_STABLE: dict[str, tuple[str, ...]] = {
    "make demo DURATION=60 REPORT=demo.json": (
        "detector              alerts  precision  recall  labelled\n",
        *(f"\n{name:<20} " for name in ON_BY_DEFAULT),
        "latency p50 ",
        "committed p50 ",
        "by transaction: what opens a series still looks genuine, and lowers its recall\n",
        " alerts, history included, are equal to the reference run: "
        "0 lost, 0 duplicate, 0 different.\n",
        "demo.json\n",
        "Stopping everything …\n",
        "Everything is stopped (",
    ),
    "cardwatch up": (
        "fetch the jars: done in ",
        "start the servers: done in ",
        "make the topics: done in ",
        "start the job: done in ",
    ),
    "cardwatch status": (
        "stack `default` is ready, held by process ",
        "service        state   port ",
        "since (UTC)          restarts\n",
        *(f"{name:<13}  ready " for name in ("valkey", "jobmanager", "taskmanager-1", "kafka")),
        "archiver       ready      – ",
    ),
    "cardwatch generate --cards 500 --rate 5 --count 1000 --max --anomaly-share 0.1": (
        "seed cards: done in ",
        "stream their history: done in ",
        "1,000 transactions in ",
        " genuine, amount_spike ",
        "very_high_value ",
    ),
    "cardwatch alerts --follow --since 10m --limit 3": ("  bank ", "  user "),
    "cardwatch replay docs/examples/payments.csv --mapping docs/examples/payments.yaml": (
        "6 of 7 rows sent in ",
        ", 1 with a label\n",
        "line 7: event_time from column `paid_at`: not a time; "
        "allowed: the format `%d.%m.%Y %H:%M`\n",
    ),
    "cardwatch alerts --follow --since 10m --bank my-bank --limit 1": (
        "2026-11-12 19:27:00  bank my-bank  user cust-7     489.00 EUR  Lisbon  "
        "amount_spike, impossible_travel: ",
        "  [pay-7]\n",
    ),
    "cardwatch explain pay-7": (
        "Transaction pay-7\n",
        "  card         tok_",
        "  merchant     phones-4 (retail), Lisbon, ZZ\n",
        "  how          chip, without PIN\n",
        "Alert 42d68069-1f1d-567d-97a9-990714086e75 (active; config built-in, generation 0)\n",
        "    reason       489.00 EUR is 21.5 times the card's average of 22.78 EUR\n",
        "    threshold    227.80 EUR\n",
        "    without      no finding below 227.80 EUR\n",
        "    reason       2,313 km from the card's previous transaction 25 min earlier\n",
    ),
    "cardwatch trace pay-7": (
        "Trace f29eb56c109348750b97218c38f6dd76, ",
        "process transactions ",
        "  config built-in, generation 0",
        "  amount_spike: 48,900 minor, threshold 22,780",
        "  impossible_travel: 5,550.28 km/h, threshold 900",
        "  send alerts ",
    ),
    "cardwatch apply -f docs/examples/strict.yaml": (
        "detectorconfig/strict applied (generation 1, 1 of 1 subtasks, ",
    ),
    "cardwatch get dc": (
        "name    generation  selects    differs from default ",
        "bankIds A  veryHighValue.maxAmountMinor 1000000 → 500000, rapidTransactions.mode ",
    ),
    "cardwatch history strict": (
        "generation  published ",
        "selector.bankIds none → A, veryHighValue.maxAmountMinor 1000000 → 500000, ",
    ),
    "cardwatch delete strict": (
        "detectorconfig/strict withdrawn (generation 2, 1 of 1 subtasks, ",
    ),
    "cardwatch rollback strict": (
        "detectorconfig/strict applied (generation 3, 1 of 1 subtasks, ",
    ),
    "cardwatch cards --user cust-7": (
        "transactions  average (minor)  limit (minor)  last seen (UTC)          last place ",
        "  cust-7             6           10,048              –  2026-11-12 19:27:00  38.720",
    ),
    "cardwatch ask detectors --limit 3": (
        "detector ",
        " alerts  on trial  alone\n",
        "\nrapid_transactions ",
    ),
    "cardwatch export alerts --output alerts.csv": (
        "export alerts: done in ",
        " alerts in ",
        "alerts.csv, ",
    ),
    "cardwatch init-db": ("the archive's tables are up to date\n",),
    "cardwatch model list": (
        "no models are published; `cardwatch model publish` sends one\n",
        "no DetectorConfig has a model; `cardwatch model promote` gives it one\n",
    ),
    "cardwatch erase cust-7 --yes": (
        "removed\nPostgreSQL transactions        6\nPostgreSQL alerts              1\n",
        "Kafka card-profiles            1\n",
    ),
    "cardwatch logs archiver --lines 1": (" INFO ",),
    "cardwatch down": ("stack `default` is stopped; its data stays until `cardwatch clean`\n",),
    "cardwatch clean --yes --keep-jars": ("/stacks (stacks default, demo): ", "removed\n"),
}


@pytest.mark.timeout(_START_TO_END_S)
@pytest.mark.parametrize("command", _COMMANDS, ids=lambda command: command.line)
def test_a_command_of_the_readme_works_and_prints_what_is_shown(
    session: dict[str, Typed], command: Command
) -> None:
    assert command.line in session, f"the session ended before it; it ran {', '.join(session)}"
    typed = session[command.line]
    assert typed.status == 0, typed.output
    for phrase in _STABLE.get(command.line, ()):
        assert phrase in typed.output
        assert phrase in command.shown


def test_whatever_the_readme_shows_is_checked() -> None:
    assert {command.line for command in _COMMANDS if command.shown} == _STABLE.keys()


def test_no_command_is_twice_in_the_readme() -> None:
    lines = [command.line for command in _COMMANDS]
    assert len(lines) == len(set(lines))
