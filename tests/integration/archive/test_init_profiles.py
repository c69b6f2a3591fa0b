"""`cardwatch model init-profiles`: from a real archive into a real Kafka."""

import re
from uuid import uuid4

from tests.integration.archive.archived import Archived, an_answer
from tests.unit.cli.samples import a_transaction, an_alert
from tests.unit.model.paying import paid
from typer.testing import CliRunner, Result

from cardwatch_contracts.topics import USER_HABITS
from cardwatch_job.model.memory import users_of_bucket
from cardwatch_job.model.packed_user import unpack_user
from cardwatch_local.cli import app
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.reading.topic import key_of, read_topic, value_of


def _init(archived: Archived, kafka: str, *arguments: str) -> Result:
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    servers = ("--database-url", archived.url, "--bootstrap-servers", kafka)
    result = runner.invoke(app, ["model", "init-profiles", *servers, *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def _sent(kafka: str, *users: str) -> dict[str, bytes]:
    messages = read_topic(kafka, USER_HABITS)
    # Other tests share this Kafka, and some have users forgotten: no value.
    habits = {key_of(message): value_of(message) for message in messages}
    return {user: value for user in users if (value := habits.get(user.encode())) is not None}


def test_what_is_sent_is_what_the_job_would_know(
    archived: Archived, stack_without_job: Endpoints
) -> None:
    kafka = stack_without_job.bootstrap_servers
    ana, bo = (f"{name}-{uuid4().hex[:8]}" for name in ("ana", "bo"))
    payments = [paid(number, user_id=ana if number % 3 else bo) for number in range(30)]
    # One that alerted and is not judged yet, and one of which an analyst has said genuine.
    payments[10] = payments[10]._replace(amount_minor=900_000)
    payments[14] = payments[14]._replace(amount_minor=4_000)
    transactions = [a_transaction(**payment._asdict()) for payment in payments]
    for txn in transactions:
        archived.add_transaction(txn)
    alerts = [an_alert(number, **payments[number]._asdict()) for number in (10, 14)]
    for alert in alerts:
        archived.add_alert(alert)
    archived.add_feedback(an_answer(alerts[1], 1))

    planned = _init(archived, kafka, "--dry-run").stdout
    assert re.fullmatch(
        r"habits of 2 users from 30 payments, [\d,]+ bytes: would be sent\n", planned
    )
    assert _sent(kafka, ana, bo) == {}

    done = _init(archived, kafka)
    sent = _sent(kafka, ana, bo)
    assert sum(map(len, sent.values())) == int(
        re.findall(r"payments, ([\d,]+) bytes: sent\n", done.stdout)[0].replace(",", "")
    )
    assert "send to topic user-habits: done in " in done.stderr

    known = unpack_user(sent[ana])
    assert known.seen == 20
    assert len(known.habits.held) == 1  # the one nobody has judged
    assert known.habits.amounts.mean < 5_000
    job = users_of_bucket()
    assert job.adopt(ana, sent[ana])
    assert not job.adopt(ana, sent[ana])  # it knows as many payments

    _init(archived, kafka)
    assert _sent(kafka, ana, bo) == sent
