from pathlib import Path
from typing import Any

import pytest

from cardwatch_contracts.kafka_settings import VARIABLES, kafka_at
from cardwatch_local.detached import decode_settings, encode_settings
from cardwatch_local.errors import StackError
from cardwatch_local.settings import StackSettings, child_environment


def test_the_home_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDWATCH_HOME", "/somewhere/else")
    assert StackSettings().home == Path("/somewhere/else")
    monkeypatch.delenv("CARDWATCH_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert StackSettings().home == Path("/home/somebody/.cardwatch")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"name": "../up"}, "stack name '../up' is not allowed: use 1 to 40 of a-z"),
        ({"name": ""}, "stack name '' is not allowed"),
        ({"kafka_port": 0}, "kafka_port is 0; a port is 1 to 65535"),
        ({"valkey_port": 70000}, "valkey_port is 70000"),
        ({"parallelism": 0}, "parallelism is 0; allowed is 1 to 128"),
        ({"checkpoint_interval_ms": 10}, "checkpoint_interval_ms is 10; allowed is 100 to 600000"),
        ({"taskmanager_heap_mb": 64}, "taskmanager_heap_mb is 64; allowed is 256"),
        ({"valkey_memory_mb": 1}, "valkey_memory_mb is 1"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(StackError) as caught:
        StackSettings(**setting)
    assert message in str(caught.value)


def test_settings_reach_the_supervisor_unchanged(tmp_path: Path) -> None:
    settings = StackSettings(home=tmp_path, name="demo", kafka_port=9092, parallelism=2)
    assert decode_settings(encode_settings(settings)) == settings


def test_the_stacks_servers_do_not_take_its_kafka_for_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "of a Kafka elsewhere")
    environment = child_environment(StackSettings(home=tmp_path).mark)
    assert kafka_at("127.0.0.1:9092", environment) == "127.0.0.1:9092"
