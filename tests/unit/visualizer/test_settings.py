from pathlib import Path
from typing import Any

import pytest

from cardwatch_visualizer.command_line import NewUser, Run, parse_command
from cardwatch_visualizer.settings import VisualizerSettings

_NEEDED = ["--bootstrap-servers", "kafka:9092", "--valkey-url", "valkey://valkey:6379"]


def settings(**changes: Any) -> VisualizerSettings:
    given: dict[str, Any] = {
        "bootstrap_servers": "kafka:9092",
        "valkey_url": "valkey://valkey:6379",
        "login": "none",
    }
    return VisualizerSettings(**(given | changes))


def test_the_defaults_are_allowed() -> None:
    assert settings().port == 8050


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"host": "0.0.0.0"}, "login none: the host is 0.0.0.0; allowed: a loopback address"),
        ({"login": "users"}, "users_file: needed"),
        ({"users_file": Path("u")}, "users_file: needed with login users, and with no other"),
        ({"login": "proxy"}, "proxy_networks: needed"),
        ({"workers": 0}, "workers: 0; allowed: above 0"),
        ({"threads": 8, "max_streams": 8}, "fewer than the 8 threads"),
        ({"port": 65_536}, "0 to 65535"),
        ({"valkey_url": "http://valkey"}, "valkey://host:port"),
        ({"bootstrap_servers": " "}, "host:port"),
        ({"jaeger_url": "javascript:alert(1)"}, "http://host:port"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        settings(**wrong)


def test_the_command_line_and_the_environment_say_the_same() -> None:
    given = parse_command([*_NEEDED, "--no-login"], {})
    found = parse_command(
        ["--no-login"],
        {
            "CARDWATCH_BOOTSTRAP_SERVERS": "kafka:9092",
            "CARDWATCH_VALKEY_URL": "valkey://valkey:6379",
        },
    )
    assert given == found
    assert isinstance(given, Run)
    assert given.part == "all"


def test_a_proxy_is_named_by_its_networks() -> None:
    run = parse_command([*_NEEDED, "--proxy-networks", "10.0.0.0/8, fd00::/8"], {})
    assert isinstance(run, Run)
    assert run.settings.login == "proxy"
    assert run.settings.proxy is not None
    assert [str(network) for network in run.settings.proxy.networks] == ["10.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--no-login"], "--bootstrap-servers is needed"),
        (["--bootstrap-servers", "k:1", "--no-login"], "--valkey-url is needed"),
        ([*_NEEDED, "--proxy-networks", "everywhere"], "networks such as 10.0.0.0/8"),
        ([*_NEEDED], "users_file: needed"),
        ([*_NEEDED, "--no-login", "--metrics-port", "0"], "1 to 65535"),
    ],
)
def test_a_wrong_command_line_ends_with_what_is_allowed(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_command(arguments, {})
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_new_user_is_asked_for() -> None:
    assert parse_command(["new-user", "--name", "ana"], {}) == NewUser(name="ana", role="viewer")
