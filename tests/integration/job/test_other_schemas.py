"""Producers of another version: their records have a field more, a field less, another type."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.integration.job.feed import Feed, drain
from tests.integration.job.stack import running_job
from tests.unit.transactions import make_transaction

from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.dead_letter import decode_dead_letter
from cardwatch_contracts.topics import ALERTS, DEAD_LETTERS
from cardwatch_local.reading.topic import read_topic, value_of

_SUSPICIOUS = json.loads(encode(make_transaction(user_id="u1", amount_minor=1_000_001)))


def _value(transaction_id: str, changes: Mapping[str, object], without: str = "") -> bytes:
    fields = {**_SUSPICIOUS, "transaction_id": transaction_id, **changes}
    fields.pop(without, None)
    return json.dumps(fields).encode()


def test_a_field_more_is_ignored_and_a_field_less_or_of_another_type_is_set_aside(
    tmp_path: Path, fetched_jars: Path
) -> None:
    with running_job(tmp_path, fetched_jars, taskmanagers=1) as stack:
        Feed(stack.bootstrap_servers).send_values(
            [
                _value("field more", {"loyalty_points": 7, "device": {"model": "x", "ids": [1]}}),
                _value("field less", {}, without="currency"),
                _value("text for number", {"amount_minor": "1000001"}),
                _value("number for text", {"bank_id": 7}),
                _value("null for number", {"latitude": None}),
                _value("as ever", {}),
            ]
        )
        drain(stack)
        servers = stack.bootstrap_servers
        alerts = [decode_alert(value_of(m)) for m in read_topic(servers, ALERTS)]
        letters = [decode_dead_letter(value_of(m)) for m in read_topic(servers, DEAD_LETTERS)]
        restarts = stack.cluster.rest.root_exception()

    judged = {alert.transaction.transaction_id: alert for alert in alerts}
    assert sorted(judged) == ["as ever", "field more"]
    first = judged["field more"].findings[0]
    assert (first.detector, first.observed) == ("very_high_value", 1_000_001)
    assert [letter.reason for letter in sorted(letters, key=lambda letter: letter.offset)] == [
        "Object missing required field `currency`",
        "Expected `int`, got `str` - at `$.amount_minor`",
        "Expected `str`, got `int` - at `$.bank_id`",
        "Expected `float`, got `null` - at `$.latitude`",
    ]
    assert restarts is None
