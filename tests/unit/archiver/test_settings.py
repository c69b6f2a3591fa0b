import pytest

from cardwatch_archiver.settings import ArchiverSettings, parse_settings
from cardwatch_contracts.kafka_settings import PROTOCOL

ADDRESSES = {
    "CARDWATCH_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "CARDWATCH_VALKEY_URL": "valkey://:secret@127.0.0.1:6379",
}


def test_the_command_line_wins_over_the_environment() -> None:
    settings = parse_settings(["--bootstrap-servers", "kafka:9092"], ADDRESSES)
    assert settings.bootstrap_servers == "kafka:9092"
    assert settings.valkey_url == ADDRESSES["CARDWATCH_VALKEY_URL"]
    assert settings.topic == "card-profiles"


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(parse_settings([], ADDRESSES))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--bootstrap-servers is needed"),
        (["--bootstrap-servers", "k:1"], "--valkey-url is needed"),
        (["--bootstrap-servers", "k:1", "--valkey-url", "http://v"], "allowed: valkey://"),
        (["--bogus"], "--bogus"),
    ],
)
def test_a_bad_argument_ends_with_a_message(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_settings(arguments, {})
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_bad_variable_ends_with_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_settings([], ADDRESSES | {PROTOCOL: "TLS"})
    assert ended.value.code == 2
    assert f"{PROTOCOL} is 'TLS': PLAINTEXT, SSL" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["batch_wait_s", "valkey_timeout_s", "max_backoff_s"])
def test_a_wait_is_above_zero(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: 0; allowed: above 0"):
        ArchiverSettings(bootstrap_servers="k:1", valkey_url="valkey://v", **{name: 0})  # type: ignore[arg-type]
