"""Run the stand-ins until SIGTERM: `python -m tests.cluster.standins --kubeconfig FILE`."""

import argparse
import signal
from pathlib import Path
from threading import Event

from tests.cluster.standins.running import running_standins


def main() -> None:
    """Run them; each action is a line on standard output."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.standins", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--volumes", type=Path, help="folder for PersistentVolumeClaims")
    options = parser.parse_args()
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with running_standins(options.kubeconfig, options.volumes):
        ended.wait()


if __name__ == "__main__":
    main()
