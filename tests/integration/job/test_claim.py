"""One running job for each transactional prefix, held in a real Kafka."""

import os
import signal
import subprocess
import sys

import pytest

from cardwatch_job.broker_limits import TimeoutNotAllowedError, check_timeout
from cardwatch_job.claim import PrefixClaimedError, claimed
from cardwatch_local.endpoints import Endpoints

_HOLDER = """
import sys
from cardwatch_job.claim import claimed

with claimed(sys.argv[1], sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_claim_is_refused_with_the_name_of_the_first(
    stack_without_job: Endpoints,
) -> None:
    servers = stack_without_job.bootstrap_servers
    with claimed(servers, "claim-a"):
        with pytest.raises(PrefixClaimedError, match=rf"'claim-a'.* process {os.getpid()} at .*"):
            with claimed(servers, "claim-a"):
                raise AssertionError("both hold it")
        with claimed(servers, "claim-b"):
            pass


def test_a_prefix_is_free_again_when_its_holder_has_left(stack_without_job: Endpoints) -> None:
    servers = stack_without_job.bootstrap_servers
    for _ in range(2):
        with claimed(servers, "claim-c"):
            pass


def test_a_prefix_is_free_again_when_its_holder_was_killed(stack_without_job: Endpoints) -> None:
    servers = stack_without_job.bootstrap_servers
    command = [sys.executable, "-c", _HOLDER, servers, "claim-d"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(PrefixClaimedError), claimed(servers, "claim-d"):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    with claimed(servers, "claim-d"):
        pass


def test_a_timeout_above_the_brokers_limit_is_refused_with_the_limit(
    stack_without_job: Endpoints,
) -> None:
    servers = stack_without_job.bootstrap_servers
    check_timeout(servers, 7 * 86_400_000)
    with pytest.raises(TimeoutNotAllowedError, match="at most 604800000: raise"):
        check_timeout(servers, 7 * 86_400_000 + 1)
