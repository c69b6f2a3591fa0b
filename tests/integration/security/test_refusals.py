"""What is said to those whom Kafka does not let in, or not everywhere: at once, with the reason."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from tests.integration.security.conftest import Secured

from cardwatch_archiver.kafka import KafkaFailedError, TopicReader
from cardwatch_contracts.card import Card
from cardwatch_contracts.kafka_settings import CA_FILE, PASSWORD_FILE, PROTOCOL, Kafka
from cardwatch_contracts.topics import ALERTS, CARD_PROFILES
from cardwatch_generator.publish import KafkaSettings, KafkaSink, PublishError
from cardwatch_generator.smoke import check
from cardwatch_job.claim import claimed
from cardwatch_job.connection import KafkaRefusedError, check_user
from cardwatch_local.errors import StackError
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import read_topic
from cardwatch_operator.ack_reader import AckReader
from cardwatch_operator.config_log import BrokerError, ConfigLog

_AT_ONCE_S = 20.0


def _sink(kafka: Kafka) -> None:
    KafkaSink(KafkaSettings(bootstrap_servers=kafka, connect_timeout_s=3)).close()


def _archiver(kafka: Kafka) -> None:
    TopicReader(kafka, CARD_PROFILES.name, stop=Event()).close()


def _config_writer(kafka: Kafka) -> None:
    ConfigLog(kafka, timeout_s=4).begin()


def _config_reader(kafka: Kafka) -> None:
    ConfigLog(kafka, timeout_s=4).read()


def _command(kafka: Kafka) -> None:
    list(read_topic(kafka, ALERTS))


def _job(kafka: Kafka) -> None:
    check_user(kafka)


def _claim(kafka: Kafka) -> None:
    with claimed(kafka, "cardwatch"):
        pass


def _smoke(kafka: Kafka) -> None:
    check(kafka, timeout_s=4)


def _offsets(kafka: Kafka) -> None:
    OffsetReader(kafka, timeout_s=3).ends([ALERTS])


_CLIENTS = (
    _sink,
    _archiver,
    _config_writer,
    _config_reader,
    _command,
    _job,
    _claim,
    _smoke,
    _offsets,
)
_REFUSALS = (PublishError, KafkaFailedError, BrokerError, StackError, KafkaRefusedError)


@pytest.mark.parametrize("client", _CLIENTS)
def test_a_wrong_password_is_said_at_once_by_every_client(
    secured: Secured, tmp_path: Path, client: Callable[[Kafka], None]
) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("not-the-password")
    kafka = secured.users.kafka("cardwatch-job", **{PASSWORD_FILE: str(wrong)})
    began = time.monotonic()
    with pytest.raises(_REFUSALS, match=r"(?s)invalid credentials.*_KAFKA_USERNAME") as refused:
        client(kafka)
    assert time.monotonic() - began < _AT_ONCE_S
    assert "not-the-password" not in str(refused.value)


@pytest.mark.parametrize(
    ("client", "user", "what"),
    [
        (_sink, "cardwatch-operator", "Topic authorization failed"),
        (_archiver, "cardwatch-generator", "Topic authorization failed"),
        (_config_writer, "cardwatch-test", "Transactional Id authorization failed"),
        (_config_reader, "cardwatch-generator", "authorization failed"),
        (_command, "cardwatch-generator", "authorization failed"),
        (_claim, "cardwatch-test", "Group authorization failed"),
        (_smoke, "cardwatch-generator", "authorization failed"),
        (_offsets, "cardwatch-generator", "authorization failed"),
    ],
)
def test_a_user_without_the_right_is_told_which_one(
    secured: Secured, client: Callable[[Kafka], None], user: str, what: str
) -> None:
    began = time.monotonic()
    with pytest.raises(_REFUSALS, match=rf"{what}.*needs the right \(ACL\)"):
        client(secured.users.kafka(user))
    assert time.monotonic() - began < _AT_ONCE_S


def test_a_producer_without_the_right_is_told_so(secured: Secured) -> None:
    kafka = secured.users.kafka("cardwatch-test")
    sink = KafkaSink(KafkaSettings(bootstrap_servers=kafka))
    card = Card(card_id="tok_1", user_id="u1", bank_id="A", payment_system="visa", currency="EUR")
    with pytest.raises(PublishError, match=r"Topic authorization failed.*needs the right \(ACL\)"):
        sink.send_cards([card])
    sink.close()


def test_a_reader_of_the_operator_says_why_it_does_not_read(secured: Secured) -> None:
    reader = AckReader(secured.users.kafka("cardwatch-generator"), on_news=lambda: None)
    reader.start()
    try:
        deadline = time.monotonic() + _AT_ONCE_S
        while reader.errors.refusal is None and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        reader.end()
    assert "needs the right (ACL)" in (reader.errors.refusal or "")


def test_a_client_without_tls_gets_no_word_in(secured: Secured) -> None:
    with pytest.raises(PublishError, match=f"no Kafka broker.*is {PROTOCOL} what it wants"):
        _sink(secured.servers)


def test_brokers_that_somebody_else_has_certified_are_not_believed(secured: Secured) -> None:
    kafka = secured.users.kafka(
        "cardwatch-generator", **{CA_FILE: str(secured.certificates.stranger)}
    )
    with pytest.raises(PublishError, match="certificate verify failed"):
        _sink(kafka)


def test_a_wrong_setting_ends_a_program_with_the_variables_name(secured: Secured) -> None:
    for module, options in (
        ("cardwatch_generator", ()),
        ("cardwatch_generator.smoke", ()),
        ("cardwatch_archiver", ("--valkey-url", "valkey://127.0.0.1:1")),
    ):
        environment = secured.users.environment("x", **{PASSWORD_FILE: "/nowhere/password"})
        done = subprocess.run(
            [sys.executable, "-m", module, "--bootstrap-servers", secured.servers, *options],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode != 0
        assert f"{PASSWORD_FILE} is /nowhere/password: No such file" in done.stderr
