from pathlib import Path

import pytest

from cardwatch_gateway.command_line import NewKey, parse_command
from cardwatch_gateway.settings import GatewaySettings

_KAFKA = ["--bootstrap-servers", "k:9092"]


def test_the_environment_fills_what_the_command_line_leaves_out() -> None:
    environment = {
        "CARDWATCH_BOOTSTRAP_SERVERS": "k:9092",
        "CARDWATCH_HOST": "0.0.0.0",
        "CARDWATCH_PORT": "81",
        "CARDWATCH_KEYS_FILE": "/keys",
        "CARDWATCH_DATABASE_URL": "postgresql://u:secret@db/x",
        "OTEL_TRACES_SAMPLER_ARG": "0.5",
    }
    settings = parse_command(["--max-batch", "7"], environment)
    assert isinstance(settings, GatewaySettings)
    assert (settings.host, settings.port, settings.max_batch) == ("0.0.0.0", 81, 7)
    assert (settings.keys_file, settings.sampled_share) == (Path("/keys"), 0.5)
    assert "secret" not in repr(settings)


def test_a_key_can_be_asked_for() -> None:
    assert parse_command(["new-key", "--bank", "a"], {}) == NewKey(
        bank_id="a", roles=("ingest", "read"), rate_per_s=1_000, not_after=None
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        ([], {}, "--bootstrap-servers is needed"),
        (_KAFKA, {}, "keys_file: missing"),
        ([*_KAFKA, "--no-auth", "--host", "0.0.0.0"], {}, "loopback"),
        ([*_KAFKA, "--no-auth", "--keys-file", "x"], {}, "no_auth"),
        ([*_KAFKA, "--no-auth", "--max-batch", "0"], {}, "max_batch: 0; allowed: above 0"),
        ([*_KAFKA, "--no-auth", "--port", "70000"], {}, "port: 70000"),
        ([*_KAFKA, "--no-auth"], {"OTEL_TRACES_SAMPLER_ARG": "2"}, "sampled_share: 2.0"),
        ([*_KAFKA, "--no-auth"], {"OTEL_TRACES_SAMPLER_ARG": "x"}, "OTEL_TRACES_SAMPLER_ARG"),
        (["new-key", "--bank", "a", "--rate", "0"], {}, "--rate"),
    ],
)
def test_a_bad_setting_is_named(
    arguments: list[str],
    environment: dict[str, str],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parse_command(arguments, environment)
    assert says in capsys.readouterr().err
