"""A cluster to try things on: `python -m tests.cluster.node up`, `down` or `status`.

With kind or minikube on PATH it is one of theirs; elsewhere a Kubernetes of this machine itself.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Final

from tests.cluster.node import machine
from tests.cluster.node.node import DATA, KUBECONFIG, RUN, Node
from tests.cluster.programs import built
from tests.unit.project.machine import REPOSITORY

_NAME: Final = "cardwatch"
_PID: Final = RUN / "pid"
_READY: Final = RUN / "ready"
_LOG: Final = DATA / "cluster.log"
_UP_S: Final = 1800.0  # Kubernetes is built first, where it was not yet
_DOWN_S: Final = 120.0


def up() -> None:
    """Start a cluster that goes on after this command, and say how to reach it."""
    if shutil.which("kind"):
        config = str(REPOSITORY / "k8s/kind/cluster.yaml")
        shape = ("--name", _NAME, "--config", config)
        _run("kind", "create", "cluster", *shape, "--kubeconfig", str(KUBECONFIG))
    elif shutil.which("minikube"):
        _run("minikube", "start", "--profile", _NAME, env={"KUBECONFIG": str(KUBECONFIG)})
    else:
        _up_here()
    sys.stdout.write(f"the cluster is up: export KUBECONFIG={KUBECONFIG}\n")


def down() -> None:
    """Remove the cluster, also one that was killed."""
    if shutil.which("kind"):
        _run("kind", "delete", "cluster", "--name", _NAME)
    elif shutil.which("minikube"):
        _run("minikube", "delete", "--profile", _NAME)
    elif (pid := _holder()) is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _DOWN_S
        while _holder() is not None:
            if time.monotonic() > deadline:
                sys.exit(f"the cluster does not stop; its log is {_LOG}")
            time.sleep(0.2)
    else:
        Node().clear()
    for path in (KUBECONFIG, _PID, _READY):
        path.unlink(missing_ok=True)


def status() -> None:
    """Show the node and all pods; status 1 where there is no cluster."""
    if not KUBECONFIG.exists():
        sys.exit("there is no cluster: make cluster-up")
    own = shutil.which("kubectl")
    kubectl = [own] if own else [str(built("servers")), "kubectl"]
    for what in (("nodes",), ("pods", "--all-namespaces")):
        _run(*kubectl, "get", *what, env={"KUBECONFIG": str(KUBECONFIG)})


def hold() -> None:
    """Be the cluster, until SIGTERM."""
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    RUN.mkdir(parents=True, exist_ok=True)
    _PID.write_text(str(os.getpid()))
    node = Node()
    try:
        node.start()
        _READY.touch()
        ended.wait()
    finally:
        _READY.unlink(missing_ok=True)
        node.stop()


def _up_here() -> None:
    if _holder() is not None and _READY.exists():
        return
    machine.install_packages()
    for name in ("servers", "dns", "pause"):
        built(name)
    RUN.mkdir(parents=True, exist_ok=True)
    DATA.mkdir(parents=True, exist_ok=True)
    _READY.unlink(missing_ok=True)
    with _LOG.open("wb") as log:
        holder = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.node", "hold"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + _UP_S
    while not _READY.exists():
        if holder.poll() is not None or time.monotonic() > deadline:
            holder.terminate()
            sys.exit(f"the cluster did not start; {_LOG} says:\n{_tail(_LOG)}")
        time.sleep(0.2)
    holder.returncode = 0  # nobody's child from here on


def _holder() -> int | None:
    """Return the process that is the cluster."""
    try:
        pid = int(_PID.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if b"tests.cluster.node" in command else None


def _tail(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")[-3000:]


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, check=False, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        sys.exit(done.returncode)


_COMMANDS: Final[dict[str, Callable[[], None]]] = {
    "up": up,
    "down": down,
    "status": status,
    "hold": hold,
}


def main(arguments: Sequence[str]) -> None:
    """Do what the only argument says."""
    if len(arguments) != 1 or arguments[0] not in _COMMANDS:
        sys.exit("usage: python -m tests.cluster.node up|down|status")
    _COMMANDS[arguments[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
