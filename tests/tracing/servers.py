"""Starts what receives traces, for as long as a test needs it."""

import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml
from tests.cluster.programs import built

from cardwatch_local.errors import StackError
from cardwatch_local.ports import free_ports
from cardwatch_local.service import Service, ServiceSpec

_ATTEMPTS: Final = 3
_SHOWN_LINES: Final = 60


@contextmanager
def running(
    name: str,
    configs: Callable[[Sequence[int]], tuple[Path, Mapping[str, Any]]],
    *,
    ports: int,
    ready: Callable[[Sequence[int]], str],
    environment: Mapping[str, str],
) -> Iterator[tuple[Service, Sequence[int]]]:
    """Run a program of `tests/cluster` that is an OpenTelemetry collector or made of one.

    `configs` says for some free ports which file it reads, and what to put over that; `ready`
    which address answers once it serves. Again with other ports, where somebody took one before.
    What it logs is shown where anything fails meanwhile.
    """
    program = built(name)
    with TemporaryDirectory(prefix=f"cardwatch-{name}-") as made:
        folder = Path(made)
        for attempts_left in reversed(range(_ATTEMPTS)):
            chosen = free_ports(ports)
            config, over = configs(chosen)
            overlay = folder / "over.yaml"
            overlay.write_text(yaml.safe_dump(dict(over)))
            command = [str(program), f"--config={config}", f"--config={overlay}"]
            service = _service(name, command, ready(chosen), folder, environment)
            try:
                service.start()
                service.wait_ready()
                break
            except StackError:
                service.stop()
                if not attempts_left:
                    raise
        try:
            yield service, chosen
        except BaseException:
            sys.stderr.write(f"{name} said last:\n{service.log_tail(_SHOWN_LINES)}\n")
            raise
        finally:
            service.stop()


def _service(
    name: str, command: list[str], url: str, folder: Path, environment: Mapping[str, str]
) -> Service:
    spec = ServiceSpec(
        name=name,
        log_file=folder / f"{name}.log",
        cwd=folder,
        environment=environment,
        ready_timeout_s=30,
        stop_timeout_s=10,
    )
    return Service(spec, command=lambda: command, ready=lambda: _answers(url))


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:  # urllib's own errors among them
        return False
