"""The check of a platform, where only a part of it is there; a whole one is in `tests/node`."""

import pytest

from cardwatch_generator.publish import PublishError
from cardwatch_generator.smoke import NoAlertError, check, main
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.ports import LOOPBACK, free_ports


def test_without_a_job_it_says_what_to_look_at(stack_without_job: Endpoints) -> None:
    with pytest.raises(NoAlertError, match=r"smoke-.* no alert on it after 5 s: does the job run"):
        check(stack_without_job.bootstrap_servers, timeout_s=5)


def test_without_kafka_it_ends_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    address = f"{LOOPBACK}:{port}"

    assert main(["--bootstrap-servers", address, "--timeout-s", "1"]) == 1
    assert f"cannot read topic alerts at {address}" in capsys.readouterr().err
    with pytest.raises(PublishError):
        check(address, timeout_s=1)
