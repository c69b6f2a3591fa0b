"""How to reach the gateway."""

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """How to reach the gateway, and how long to wait for it."""

    url: str
    """Such as `http://127.0.0.1:8080`."""

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The API key of each bank, by its id; none where the gateway asks for none."""

    batch_size: int = 1
    """Transactions in a request, at most. 1 to 1,000."""

    connections: int = 16
    """Requests at a time. 1 to 256."""

    timeout_s: float = 10.0
    """How long one answer may take. Seconds, > 0."""

    delivery_timeout_s: float = 30.0
    """How long a request is sent again before its transactions count as failed. Seconds, >= 1."""

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url {self.url}: expected such as http://127.0.0.1:8080")
        for name, value, lowest, highest in (
            ("batch_size", self.batch_size, 1, 1_000),
            ("connections", self.connections, 1, 256),
            ("timeout_s", self.timeout_s, 0.1, 600),
            ("delivery_timeout_s", self.delivery_timeout_s, 1, 600),
        ):
            if not lowest <= value <= highest:
                raise ValueError(f"{name} {value:g}: allowed is {lowest:g} to {highest:g}")
        if not all(key.isascii() and key.isprintable() for key in self.keys.values()):
            raise ValueError("keys: allowed are printable ASCII characters")


def read_api_keys(path: Path) -> dict[str, str]:
    """Read the API key of each bank from YAML, such as `A: cw_...`.

    Raises:
        ValueError: the file cannot be read or is something else; no key is repeated.
    """
    try:
        keys = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ValueError(f"{path}: not YAML") from None
    if not isinstance(keys, dict) or not all(
        isinstance(bank, str) and isinstance(key, str) for bank, key in keys.items()
    ):
        raise ValueError(f"{path}: expected the API key of each bank, such as `A: KEY`")
    return keys
