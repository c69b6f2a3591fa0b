"""The gateway of a stack, on 127.0.0.1: whoever reaches it there needs no key."""

import sys

from cardwatch_contracts.database_settings import PASSWORD_FILE, URL, Database
from cardwatch_local.ports import LOOPBACK, free_ports, is_listening
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings


class GatewayServer(Service):
    """Takes transactions over HTTP, pushes alerts and answers from the archive."""

    def __init__(
        self, settings: StackSettings, bootstrap_servers: str, valkey_url: str, database: Database
    ) -> None:
        """Serve on the settings' port, or a free one."""
        assert database.password_file is not None, "a stack's PostgreSQL has one"
        self.port = settings.gateway_port or free_ports(1)[0]
        command = [
            *(sys.executable, "-P", "-m", "cardwatch_gateway", "--no-auth"),
            *("--host", LOOPBACK, "--port", str(self.port)),
            *("--bootstrap-servers", bootstrap_servers),
            *("--valkey-url", valkey_url),
        ]
        spec = ServiceSpec(
            name="gateway",
            log_file=settings.logs_dir / "gateway.log",
            cwd=settings.stack_dir,
            environment={
                **settings.mark,
                "CARDWATCH_KEYS_FILE": "",
                URL: database.url,
                PASSWORD_FILE: str(database.password_file.absolute()),
            },
            ready_timeout_s=60,
            stop_timeout_s=30,
        )
        super().__init__(spec, command=lambda: command, ready=lambda: is_listening(self.port))

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"http://{LOOPBACK}:{self.port}"
