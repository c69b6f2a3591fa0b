"""Finds the servers a command talks to: a running stack's, or those named on the command line."""

from dataclasses import dataclass

from cardwatch_contracts.span_export import Exporter
from cardwatch_local.detached import connect
from cardwatch_local.settings import StackSettings, exporter_elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Which servers are wanted; addresses come before the stack's."""

    stack: str = "default"
    """Name of a stack on this machine."""
    bootstrap_servers: str | None = None
    valkey_url: str | None = None

    @property
    def kafka(self) -> str:
        """Kafka's address.

        Raises:
            StackError: None is given and the stack does not run.
        """
        return self.bootstrap_servers or connect(StackSettings(name=self.stack)).bootstrap_servers

    def exporter(self, service: str) -> Exporter | None:
        """Return what takes spans: the stack's, or what the environment says."""
        if self.bootstrap_servers is not None:
            return exporter_elsewhere(service)
        return StackSettings(name=self.stack).exporter(service)

    @property
    def valkey(self) -> str:
        """Valkey's address.

        Raises:
            StackError: None is given and the stack does not run.
        """
        return self.valkey_url or connect(StackSettings(name=self.stack)).valkey_url
