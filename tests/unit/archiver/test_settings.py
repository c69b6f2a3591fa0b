import pytest

from cardwatch_archiver.settings import (
    RETENTION_VARIABLE,
    ArchiverSettings,
    Pace,
    parse_settings,
)
from cardwatch_contracts.database_settings import PASSWORD_FILE, URL
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
        (["--bootstrap-servers", "k:1"], "--valkey-url or --database-url is needed"),
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


@pytest.mark.parametrize("name", ["valkey_timeout_s", "database_timeout_s"])
def test_a_timeout_is_above_zero(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: 0; allowed: above 0"):
        ArchiverSettings(bootstrap_servers="k:1", valkey_url="valkey://v", **{name: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["batch_size", "batch_wait_s", "max_backoff_s"])
def test_a_pace_is_above_zero(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: 0; allowed: above 0"):
        Pace(**{name: 0})  # type: ignore[arg-type]


def test_each_store_can_be_left_out_but_not_both() -> None:
    without = {"CARDWATCH_BOOTSTRAP_SERVERS": "k:1"}
    url = "postgresql://archive@db/cardwatch"
    settings = parse_settings([], without | {URL: url})
    assert settings.valkey_url is None
    assert str(settings.database) == url
    assert parse_settings([], ADDRESSES).database is None
    with pytest.raises(ValueError, match="both missing"):
        ArchiverSettings(bootstrap_servers="k:1")


def test_a_database_password_is_shown_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    environment = ADDRESSES | {URL: "postgresql://archive:hidden@db/cardwatch?password=hidden"}
    assert "hidden" not in repr(parse_settings([], environment))
    with pytest.raises(SystemExit):
        parse_settings(["--help"], environment)
    assert "hidden" not in capsys.readouterr().out


def test_a_database_password_on_the_command_line_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for url in ("postgresql://archive:hidden@db/c", "postgresql://archive@db/c?password=hidden"):
        with pytest.raises(SystemExit):
            parse_settings(["--database-url", url], ADDRESSES)
        said = capsys.readouterr().err
        assert f"allowed are {PASSWORD_FILE} and {URL}" in said
        assert "hidden" not in said


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({URL: "mysql://db"}, "allowed is postgresql://USER@HOST:PORT/DATABASE"),
        ({URL: "postgresql://db/c", PASSWORD_FILE: "/nowhere/p"}, "/nowhere/p: No such file"),
        ({RETENTION_VARIABLE: "0"}, "retention is 0 days; allowed: 1 to 3650"),
        ({RETENTION_VARIABLE: "ninety"}, "--retention-days: invalid int value"),
    ],
)
def test_a_bad_archive_ends_with_a_message(
    environment: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_settings([], ADDRESSES | environment)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
