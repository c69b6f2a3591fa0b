"""The visualizer of a stack, on 127.0.0.1: whoever reaches it there need not log in."""

import sys

from cardwatch_contracts.database_settings import PASSWORD_FILE, URL, Database
from cardwatch_local.ports import LOOPBACK, free_ports, is_listening
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings


class VisualizerServer(Service):
    """Shows what happens and lets people answer alerts, in a browser."""

    def __init__(
        self, settings: StackSettings, bootstrap_servers: str, valkey_url: str, database: Database
    ) -> None:
        """Serve on the settings' port, or a free one."""
        assert database.password_file is not None, "a stack's PostgreSQL has one"
        self.port = settings.visualizer_port or free_ports(1)[0]
        command = [
            *(sys.executable, "-P", "-m", "cardwatch_visualizer", "--no-login"),
            *("--host", LOOPBACK, "--port", str(self.port)),
            *("--bootstrap-servers", bootstrap_servers),
            *("--valkey-url", valkey_url),
        ]
        spec = ServiceSpec(
            name="visualizer",
            log_file=settings.logs_dir / "visualizer.log",
            cwd=settings.stack_dir,
            environment={
                **settings.mark,
                "CARDWATCH_USERS_FILE": "",
                "CARDWATCH_PROXY_NETWORKS": "",
                "CARDWATCH_METRICS_PORT": "",
                URL: database.url,
                PASSWORD_FILE: str(database.password_file.absolute()),
            },
            ready_timeout_s=60,
            stop_timeout_s=15,
        )
        super().__init__(spec, command=lambda: command, ready=lambda: is_listening(self.port))

    @property
    def url(self) -> str:
        """Address for browsers."""
        return f"http://{LOOPBACK}:{self.port}"
