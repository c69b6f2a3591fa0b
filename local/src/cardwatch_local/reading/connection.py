"""Finds the servers a command talks to: a running stack's, or those named on the command line."""

from dataclasses import dataclass

from cardwatch_local.detached import connect
from cardwatch_local.settings import StackSettings


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

    @property
    def valkey(self) -> str:
        """Valkey's address.

        Raises:
            StackError: None is given and the stack does not run.
        """
        return self.valkey_url or connect(StackSettings(name=self.stack)).valkey_url
