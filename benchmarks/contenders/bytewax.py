"""Bytewax."""

from collections.abc import Sequence
from typing import Final

from benchmarks.contenders._base import Contender
from benchmarks.peers import peers_python
from benchmarks.settings import Method
from benchmarks.stand import Stand
from cardwatch_local.java import run_to_end
from cardwatch_local.ports import LOOPBACK, free_ports
from cardwatch_local.service import Service


def _servers(stand: Stand, run: str, method: Method, group: str) -> Sequence[Service]:
    python = peers_python()
    recovery = stand.folder_of(run) / "recovery"
    recovery.mkdir(parents=True)
    command = [str(python), "-m", "bytewax.recovery", str(recovery), str(method.parallelism)]
    run_to_end(command, what="make Bytewax's recovery store")
    addresses = ";".join(f"{LOOPBACK}:{port}" for port in free_ports(method.parallelism))
    flow = f"benchmarks.programs.bytewax_flow:flow({stand.bootstrap_servers!r}, {group!r})"
    return [
        stand.python(
            run,
            f"bytewax-{index}",
            [
                *("-m", "bytewax.run", flow),
                *("--process-id", str(index)),
                *("--addresses", addresses),
                *("--recovery-directory", str(recovery)),
                *("--snapshot-interval", f"{method.commit_interval_s:g}"),
                *("--backup-interval", "0"),
            ],
            python=python,
        )
        for index in range(method.parallelism)
    ]


BYTEWAX: Final = Contender(
    name="bytewax",
    guarantee="at least once",
    setup="as many processes as cores, state by user, snapshots in its recovery store",
    servers=_servers,
)
