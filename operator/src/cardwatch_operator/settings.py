"""What the operator is told by its environment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from cardwatch_contracts.kafka_settings import Kafka, KafkaSettingsError, kafka_at

SERVICE: Final = "cardwatch-operator"
_PREFIX: Final = "CARDWATCH_"


class SettingsError(ValueError):
    """A setting is missing or not allowed; the message names it."""


@dataclass(frozen=True, kw_only=True)
class OperatorSettings:
    """Every setting; the environment's variable is `CARDWATCH_` and the name in capitals."""

    bootstrap_servers: Kafka
    """Kafka's addresses, `host:port` separated by commas, and how it is spoken to."""

    namespace: str = ""
    """Whose DetectorConfigs count; empty: those of all namespaces."""

    lease_namespace: str = "default"
    """Where the Lease lies that says which of several operators acts."""

    identity: str = socket.gethostname()
    """What this operator is called in the Lease; no two may be called the same."""

    flink_rest: str = "http://{job}-rest.{namespace}:8081"
    """Where the REST interface of a job is."""

    ack_timeout_s: float = 30.0
    """How long subtasks have to acknowledge a change until that is reported and tried again."""

    resync_s: float = 10.0
    """How often all is looked at although nothing was heard."""

    stuck_after_s: float = 60.0
    """How long no pass may go through until `/healthz` says so, for Kubernetes to start it anew."""

    health_port: int = 8080
    """Where `/healthz` answers."""

    metrics_port: int = 9090
    """Where Prometheus reads."""

    def __post_init__(self) -> None:
        for name in ("ack_timeout_s", "resync_s", "stuck_after_s"):
            if not 0.1 <= getattr(self, name) <= 3600:
                raise SettingsError(f"{_PREFIX}{name.upper()} is to be 0.1 to 3600")
        for name in ("health_port", "metrics_port"):
            if not 0 < getattr(self, name) < 65536:
                raise SettingsError(f"{_PREFIX}{name.upper()} is to be 1 to 65535")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "OperatorSettings":
        """Read the environment.

        Raises:
            SettingsError: names the variable and what is allowed.
        """
        given: dict[str, Any] = {}
        for field in fields(cls):
            variable = _PREFIX + field.name.upper()
            if variable in environment:
                convert = {"int": int, "float": float}.get(getattr(field.type, "__name__", ""), str)
                try:
                    given[field.name] = convert(environment[variable])
                except ValueError:
                    raise SettingsError(f"{variable} is to be a number") from None
        if not given.get("bootstrap_servers"):
            raise SettingsError(f"{_PREFIX}BOOTSTRAP_SERVERS is missing: Kafka's host:port")
        try:
            given["bootstrap_servers"] = kafka_at(given["bootstrap_servers"], environment)
        except KafkaSettingsError as error:
            raise SettingsError(str(error)) from None
        return cls(**given)
