"""A gateway as a process of its own, and what it sent."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from cardwatch_gateway.keys import ROLES, Role, new_key

DEADLINE_S: Final = 60.0
_ADDRESS: Final = re.compile(r"listening at (http://[0-9.:]+)")


def eventually(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {deadline_s} s: {what}"
        time.sleep(0.02)


class KeysFile:
    """API keys, and the file that holds their hashes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: list[Any] = []
        self.write()

    def add(self, bank_id: str, *roles: Role, rate_per_s: float = 1e6) -> dict[str, str]:
        """Make a key; return the header that presents it."""
        key, entry = new_key(
            bank_id=bank_id,
            roles=frozenset(roles or ROLES),
            rate_per_s=rate_per_s,
            not_after=None,
        )
        self._entries.append(json.loads(entry))
        self.write()
        return {"Authorization": f"Bearer {key}"}

    def clear(self) -> None:
        """Withdraw all keys."""
        self._entries.clear()
        self.write()

    def write(self) -> None:
        """Write the file anew, as a mounted Secret is: another file under the same name."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"keys": self._entries}))
        fresh.rename(self.path)


class RunningGateway:
    """A process, and a client of it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log
        self.client = httpx.Client(base_url=url, timeout=30)

    def answers(self) -> bool:
        """Return whether it answers at all."""
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def is_ready(self) -> bool:
        """Return whether it says it is ready."""
        return self.client.get("/readyz").status_code == 200


@contextmanager
def running_gateway(
    bootstrap_servers: str,
    folder: Path,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    *,
    ready: bool = True,
) -> Iterator[RunningGateway]:
    """Run a gateway at a free port until the end of the block."""
    log = folder / f"gateway-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "cardwatch_gateway", "--port", "0", *arguments]
    command += ["--bootstrap-servers", bootstrap_servers]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file, env={**os.environ, **(environment or {})})

    def address() -> str | None:
        assert process.poll() is None, log.read_text()
        found = _ADDRESS.search(log.read_text())
        return found[1] if found else None

    gateway: RunningGateway | None = None
    try:
        eventually(address, "the gateway listens")
        gateway = RunningGateway(process, address() or "", log)
        eventually(gateway.answers, "the gateway answers")
        if ready:
            eventually(gateway.is_ready, "the gateway is ready")
        yield gateway
    finally:
        if gateway is not None:
            gateway.client.close()
        process.terminate()
        process.wait(60)


def records(bootstrap_servers: str, topic: str, wanted: Callable[[Message], bool]) -> list[Message]:
    """Return the records of a topic that are wanted, of all there are now."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "gateway-tests",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    try:
        numbers = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers])
        left, found = set(numbers), []
        deadline = time.monotonic() + DEADLINE_S
        while left:
            assert time.monotonic() < deadline
            for message in consumer.consume(1_000, 0.5):
                if message.error() is not None:
                    left.discard(message.partition() or 0)
                elif wanted(message):
                    found.append(message)
        return found
    finally:
        consumer.close()
