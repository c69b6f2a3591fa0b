"""An authority and the certificates that it signs, made by openssl; as text in PEM form."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_DAYS: Final = "365"
_NEW_KEY: Final = ("-newkey", "rsa:2048", "-nodes")


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs the certificates of servers."""

    certificate: str
    key: str = field(repr=False)

    @classmethod
    def new(cls, subject: str) -> "Authority":
        """Make one; `subject` is like `/O=shop/CN=ca`."""
        with _folder() as folder:
            _openssl(
                *("req", "-x509", *_NEW_KEY, "-days", _DAYS, "-subj", subject),
                *("-keyout", folder / "key", "-out", folder / "certificate"),
            )
            return cls((folder / "certificate").read_text(), (folder / "key").read_text())

    def server(self, subject: str, names: Sequence[str]) -> str:
        """Return a new key, and behind it its certificate.

        Args:
            subject: whose they are, like `/CN=broker`.
            names: by which clients reach the server, such as `DNS:localhost` or `IP:127.0.0.1`.
        """
        with _folder() as folder:
            (folder / "ca.crt").write_text(self.certificate)
            (folder / "ca.key").write_text(self.key)
            (folder / "names").write_text(f"subjectAltName={','.join(names)}\n")
            _openssl(
                *("req", *_NEW_KEY, "-subj", subject),
                *("-keyout", folder / "key", "-out", folder / "request"),
            )
            _openssl(
                *("x509", "-req", "-days", _DAYS, "-in", folder / "request"),
                *("-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-CAcreateserial"),
                *("-extfile", folder / "names", "-out", folder / "certificate"),
            )
            return "".join((folder / part).read_text() for part in ("key", "certificate"))

    def store(self, password: str) -> bytes:
        """Return the authority's own certificate as a PKCS #12 store."""
        with _folder() as folder:
            (folder / "ca.crt").write_text(self.certificate)
            (folder / "password").write_text(password)
            _openssl(
                *("pkcs12", "-export", "-nokeys", "-in", folder / "ca.crt"),
                *("-passout", f"file:{folder / 'password'}", "-out", folder / "ca.p12"),
            )
            return (folder / "ca.p12").read_bytes()


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder that nobody else can read, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="cardwatch-certificates-") as name:
        yield Path(name)


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
