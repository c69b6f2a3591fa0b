"""The job's command line."""

import pytest

from cardwatch_contracts.kafka_settings import PROTOCOL
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_job.settings import JobSettings

_SERVERS = ["--bootstrap-servers", "127.0.0.1:9092"]


def test_a_transaction_stays_open_as_long_as_its_input_is_retained() -> None:
    settings = JobSettings.from_args(_SERVERS)
    assert settings.transaction_timeout_ms == TRANSACTIONS.retention_ms


def test_no_prefix_of_the_sink_begins_another() -> None:
    short = JobSettings.from_args([*_SERVERS, "--transactional-id-prefix", "cardwatch"])
    long = JobSettings.from_args([*_SERVERS, "--transactional-id-prefix", "cardwatch-demo"])
    assert not long.sink_prefix.startswith(short.sink_prefix)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--transactional-id-prefix", "card.watch", "letters, digits, _ and -"),
        ("--transaction-timeout-ms", "1000", "above the checkpoint interval of 1000"),
        ("--transaction-timeout-ms", "2147483648", "at most 2147483647"),
    ],
)
def test_a_bad_value_ends_the_process_with_what_is_allowed(
    capsys: pytest.CaptureFixture[str], option: str, value: str, allowed: str
) -> None:
    with pytest.raises(SystemExit):
        JobSettings.from_args([*_SERVERS, option, value])
    assert allowed in capsys.readouterr().err


def test_a_bad_variable_ends_the_process_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        JobSettings.from_args(_SERVERS, {PROTOCOL: "TLS"})
    assert f"{PROTOCOL} is 'TLS': PLAINTEXT, SSL" in capsys.readouterr().err
