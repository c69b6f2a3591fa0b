"""Finds the servers a command talks to: a running stack's, or those named on the command line."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cardwatch_contracts.database_settings import Database, DatabaseSettingsError
from cardwatch_contracts.kafka_settings import Kafka, KafkaSettingsError, kafka_at
from cardwatch_contracts.span_export import Exporter
from cardwatch_local.detached import connect
from cardwatch_local.errors import StackError
from cardwatch_local.settings import StackSettings, exporter_elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Which servers are wanted; addresses come before the stack's."""

    stack: str = "default"
    """Name of a stack on this machine."""
    bootstrap_servers: str | None = None
    valkey_url: str | None = None
    gateway_url: str | None = None
    database_url: str | None = None

    @property
    def kafka(self) -> Kafka:
        """Kafka's address; where it is not the stack's, the environment says how it is spoken to.

        Raises:
            StackError: None is given and the stack does not run, or the environment is wrong.
        """
        if not self.bootstrap_servers:
            return connect(StackSettings(name=self.stack)).bootstrap_servers
        try:
            return kafka_at(self.bootstrap_servers)
        except KafkaSettingsError as error:
            raise StackError(str(error)) from None

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

    @property
    def gateway(self) -> str:
        """The gateway's address.

        Raises:
            StackError: None is given and the stack does not run.
        """
        return self.gateway_url or connect(StackSettings(name=self.stack)).gateway_url

    @property
    def database(self) -> str:
        """The archive's address; it may hold a password.

        Raises:
            StackError: None is given, and the stack does not run or keeps no archive.
        """
        if self.database_url:
            return self.database_url
        try:
            endpoints = connect(StackSettings(name=self.stack))
        except StackError as error:
            raise StackError(
                f"{error}; or give --database-url, or CARDWATCH_DATABASE_URL"
            ) from None
        if endpoints.database_url is None:
            raise StackError(
                f"stack `{self.stack}` keeps no archive: give --database-url, or "
                "CARDWATCH_DATABASE_URL"
            )
        return _with_password(endpoints.database_url, endpoints.database_password_file)


def _with_password(url: str, password_file: str | None) -> str:
    database = Database(url=url, password_file=Path(password_file) if password_file else None)
    try:
        password = database.password()
    except DatabaseSettingsError as error:
        raise StackError(str(error)) from None
    return url if password is None else url.replace("@", f":{quote(password, safe='')}@", 1)
