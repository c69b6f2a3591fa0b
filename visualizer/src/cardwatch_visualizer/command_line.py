"""The visualizer's command line; the environment fills what it leaves out."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from cardwatch_contracts.database_settings import URL, database_at
from cardwatch_contracts.kafka_settings import kafka_at
from cardwatch_visualizer.arguments import BOUNDS, Part, parser_of
from cardwatch_visualizer.auth.users import Role
from cardwatch_visualizer.settings import Login, ProxyLogin, VisualizerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user whose entry is to be printed."""

    name: str
    role: Role
    password_file: Path | None = None
    """Where the password is; None: it is asked for."""
    output: Path | None = None
    """The users file to write; None: the entry is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is to run."""

    part: Part
    """`web` answers browsers, `collector` adds up what happens; `all`: both, watched over."""
    settings: VisualizerSettings


def parse_command(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> Run | NewUser:
    """Read the command line.

    A bad argument or variable ends the process with status 2 and a message, as argparse does.
    """
    parser = parser_of(environment)
    parsed = parser.parse_args(arguments)
    if parsed.command == "new-user":
        return NewUser(
            name=parsed.name,
            role=parsed.role,
            password_file=parsed.password_file,
            output=parsed.output,
        )
    for name in ("bootstrap_servers", "valkey_url"):
        if not getattr(parsed, name):
            parser.error(f"--{name.replace('_', '-')} is needed")
    try:
        return Run(part=parsed.part, settings=_settings(parsed, environment))
    except ValueError as error:
        parser.error(str(error))


def _settings(parsed: argparse.Namespace, environment: Mapping[str, str]) -> VisualizerSettings:
    login: Login = "none" if parsed.no_login else "proxy" if parsed.proxy_networks else "users"
    return VisualizerSettings(
        bootstrap_servers=kafka_at(parsed.bootstrap_servers, environment),
        valkey_url=parsed.valkey_url,
        database=database_at(url, environment) if (url := environment.get(URL)) else None,
        host=parsed.host,
        port=parsed.port,
        metrics_port=parsed.metrics_port,
        login=login,
        users_file=Path(parsed.users_file) if parsed.users_file else None,
        session_key_file=Path(parsed.session_key_file) if parsed.session_key_file else None,
        proxy=_proxy(parsed) if login == "proxy" else None,
        jaeger_url=parsed.jaeger_url.rstrip("/") if parsed.jaeger_url else None,
        **{name: getattr(parsed, name) for name, _, _ in BOUNDS},
    )


def _proxy(parsed: argparse.Namespace) -> ProxyLogin:
    try:
        networks = tuple(ip_network(text.strip()) for text in parsed.proxy_networks.split(","))
    except ValueError:
        raise ValueError("--proxy-networks: allowed: networks such as 10.0.0.0/8") from None
    return ProxyLogin(
        networks=networks,
        user_header=parsed.user_header,
        groups_header=parsed.groups_header,
        analyst_groups=frozenset(parsed.analyst_groups.split(",")),
    )
