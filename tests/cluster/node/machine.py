"""What the machine itself must have for pods to run on it: Debian's packages, and a network."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PACKAGES: Final = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "mount": "mount",
}
"""Debian's packages by a program each of them has."""
_CNI_PROGRAMS: Final = Path("/usr/lib/cni")
_CNI_PACKAGE: Final = "containernetworking-plugins"

NODE_ADDRESS: Final = "10.117.0.1"
PODS: Final = "10.118.0.0/16"
"""Addresses of pods."""
_DEVICE: Final = "cardwatch-node"


def install_packages() -> None:
    """Install what a node needs, where it is missing."""
    install(PACKAGES | ({} if (_CNI_PROGRAMS / "ptp").exists() else {"ptp": _CNI_PACKAGE}))


def install(packages: Mapping[str, str]) -> None:
    """Install Debian's packages whose program is missing."""
    missing = [package for program, package in packages.items() if shutil.which(program) is None]
    if missing:
        _run("apt-get", "update", "--quiet=2")
        _run("apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", *missing)


def make_network(cni_config: Path, state: Path) -> None:
    """Give the node its address, and write how pods get theirs into `cni_config`."""
    remove_network()
    _run("ip", "link", "add", _DEVICE, "type", "bridge")
    _run("ip", "address", "add", f"{NODE_ADDRESS}/32", "dev", _DEVICE)
    _run("ip", "link", "set", _DEVICE, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # Docker sets the policy of forwarding to DROP.
    for direction in ("--source", "--destination"):
        _run("iptables", "-I", "FORWARD", direction, PODS, "-j", "ACCEPT")
    cni_config.mkdir(parents=True, exist_ok=True)
    (cni_config / "10-cardwatch.conflist").write_text(
        json.dumps(
            {
                "cniVersion": "1.0.0",
                "name": "cardwatch",
                "plugins": [
                    {
                        "type": "ptp",  # each pod on a wire of its own: all goes by the node
                        "ipMasq": True,
                        "ipam": {
                            "type": "host-local",
                            "subnet": PODS,
                            "routes": [{"dst": "0.0.0.0/0"}],
                            "dataDir": str(state / "addresses"),
                        },
                    },
                    {"type": "portmap", "capabilities": {"portMappings": True}},
                ],
            }
        )
    )


def remove_network() -> None:
    """Take away what `make_network` made, if it did."""
    subprocess.run(["ip", "link", "delete", _DEVICE], capture_output=True, check=False)
    for direction in ("--source", "--destination"):
        rule = ["iptables", "-D", "FORWARD", direction, PODS, "-j", "ACCEPT"]
        subprocess.run(rule, capture_output=True, check=False)


def unmount_below(folder: Path) -> None:
    """Unmount everything below a folder, the innermost first."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)


def network_namespaces() -> set[Path]:
    """Return the network namespaces of pods, of whatever cluster."""
    return set(Path("/var/run/netns").glob("cni-*"))


def remove_namespaces(namespaces: set[Path]) -> None:
    """Remove network namespaces, and with them their devices."""
    for path in namespaces:
        subprocess.run(["ip", "netns", "delete", path.name], capture_output=True, check=False)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
