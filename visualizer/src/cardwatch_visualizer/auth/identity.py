"""Whose request it is. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Protocol

from cardwatch_contracts.privacy import is_card_number
from cardwatch_visualizer.auth.users import Role
from cardwatch_visualizer.settings import Network, ProxyLogin

_MAX_NAME: Final = 128


class Headers(Protocol):
    """A request's headers."""

    def get(self, name: str, otherwise: str, /) -> str:
        """Return what one says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody who may see pages."""

    name: str
    """As it stands in the feedback they give."""
    role: Role

    @property
    def may_answer(self) -> bool:
        """Whether they may give feedback and export."""
        return self.role == "analyst"


DEMO: Final = Identity(name="demo", role="analyst")
"""Everybody, where nobody logs in."""
NOBODY: Final = Identity(name="nobody", role="viewer")
"""Who asks for what anybody may have, such as whether the process is alive."""


def behind_proxy(login: ProxyLogin, headers: Headers, remote: str | None) -> Identity | None:
    """Return whom a reverse proxy names; None where it is not the proxy, or names nobody.

    Args:
        login: which proxy, and what it says where.
        headers: the request's; their names in whatever case.
        remote: the address at the other end of the connection.
    """
    if not _is_in(login.networks, remote):
        return None
    name = headers.get(login.user_header, "").strip()
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable() or is_card_number(name):
        return None
    groups = {group.strip() for group in headers.get(login.groups_header, "").split(",")}
    return Identity(name=name, role="analyst" if groups & login.analyst_groups else "viewer")


def same_origin(headers: Headers, host: str) -> bool:
    """Return whether a request that changes something comes from one of our own pages.

    Browsers send `Sec-Fetch-Site`, older ones `Origin`; a program sends neither and is let in: it
    has no cookie that somebody else's page could use.

    Args:
        headers: the request's.
        host: what the request's `Host` says.
    """
    site = headers.get("Sec-Fetch-Site", "")
    if site:
        return site in ("same-origin", "none")
    origin = headers.get("Origin", "")
    return not origin or origin.partition("://")[2] == host


def _is_in(networks: Iterable[Network], remote: str | None) -> bool:
    try:
        address = ip_address(remote or "")
    except ValueError:
        return False
    return any(address in network for network in networks)
