"""A gateway for the tests of a module, with a key for every bank and role."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.gateway.running import KeysFile, RunningGateway, running_gateway

from cardwatch_local.endpoints import Endpoints


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeysFile:
    return KeysFile(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="module")
def everybody(keys: KeysFile) -> dict[str, str]:
    return keys.add("*")


@pytest.fixture(scope="module")
def gateway(
    stack_without_job: Endpoints,
    keys: KeysFile,
    everybody: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningGateway]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    arguments = ["--keys-file", str(keys.path), "--valkey-url", stack_without_job.valkey_url or ""]
    arguments += ["--header-timeout-s", "1", "--body-timeout-s", "1", "--heartbeat-s", "0.5"]
    with running_gateway(stack_without_job.bootstrap_servers, folder, arguments) as running:
        running.client.headers.update(everybody)
        yield running
