"""containerd, with folders and a socket of its own, and the images in it."""

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any, Final

from tests.cluster.programs import built

from cardwatch_local.service import Service, ServiceSpec

_PAUSE: Final = "cardwatch.dev/pause:1"
_NAMESPACE: Final = "k8s.io"


class Containers:
    """containerd as Kubernetes uses it."""

    def __init__(self, folder: Path, run: Path, cni_config: Path) -> None:
        """Keep images in `folder`, and sockets in `run`."""
        self.socket = run / "containerd.sock"
        self._folder = folder
        self._config = folder / "containerd.toml"
        folder.mkdir(parents=True, exist_ok=True)
        run.mkdir(parents=True, exist_ok=True)
        cri = '[plugins."io.containerd.grpc.v1.cri"'
        self._config.write_text(
            f"""version = 2
root = "{folder / "containerd"}"
state = "{run / "containerd"}"
[grpc]
address = "{self.socket}"
{cri}]
sandbox_image = "{_PAUSE}"
restrict_oom_score_adj = true
{cri}.cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{cni_config}"
{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""
        )
        spec = ServiceSpec(
            name="containerd",
            log_file=folder / "containerd.log",
            cwd=folder,
            ready_timeout_s=30,
        )
        self.service = Service(
            spec,
            command=lambda: ["containerd", "--config", str(self._config)],
            ready=lambda: self._ctr("version").returncode == 0,
        )

    def add_pause_image(self) -> None:
        """Add the image of what keeps a pod's network."""
        if _PAUSE not in self.images():
            self.add(_image_of(built("pause"), _PAUSE))

    def add_program(self, image: str, program: Path) -> None:
        """Add an image that holds one static program of `programs`, unless it is here."""
        made_of = program.parent.name
        if not self.has(image, made_of):
            self.add(_image_of(program, image))
            self.remember(image, made_of)

    def add(self, archive: bytes) -> None:
        """Add the images of an archive, such as `docker save` writes."""
        done = self._ctr("images", "import", "-", stdin=archive)
        if done.returncode != 0:
            raise RuntimeError(f"cannot import an image: {done.stderr.decode().strip()}")

    def has(self, image: str, image_id: str) -> bool:
        """Whether an image is here as `remember` says."""
        try:
            known = self._stamp(image).read_text()
        except OSError:
            return False
        names = {name.removeprefix("docker.io/") for name in self.images()}
        return known == image_id and image in names

    def remember(self, image: str, image_id: str) -> None:
        """Remember what was added under a name: large images take a while."""
        self._stamp(image).write_text(image_id)

    def _stamp(self, image: str) -> Path:
        return self._folder / f"added-{image.replace('/', '-')}"

    def images(self) -> list[str]:
        """Return the names of the images there are."""
        return self._ctr("images", "list", "--quiet").stdout.decode().split()

    def kill_all(self) -> None:
        """End every container."""
        for name in self._ctr("tasks", "list", "--quiet").stdout.decode().split():
            self._ctr("tasks", "kill", "--all", "--signal", "SIGKILL", name)
            self._ctr("tasks", "delete", "--force", name)
        for name in self._ctr("containers", "list", "--quiet").stdout.decode().split():
            self._ctr("containers", "delete", name)

    def _ctr(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = ["ctr", "--address", str(self.socket), "--namespace", _NAMESPACE, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=600)


def _image_of(program: Path, name: str) -> bytes:
    """Return an archive of an image that holds one static program."""
    layer = _tar({"program": (program.read_bytes(), 0o755)})
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/program"], "User": "65535:65535"},
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"],
            },
        }
    ).encode()
    manifest: list[dict[str, Any]] = [
        {"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}
    ]
    return _tar(
        {
            "layer.tar": (layer, 0o644),
            "config.json": (config, 0o644),
            "manifest.json": (json.dumps(manifest).encode(), 0o644),
        }
    )


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
