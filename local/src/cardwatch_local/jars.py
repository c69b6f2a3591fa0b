"""Fetches the locked jars and makes sure each is the one that was locked.

`python -m cardwatch_local.jars --lock` resolves the roots again and rewrites the lock file.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cardwatch_local.errors import StackError
from cardwatch_local.jar_lock import (
    LOCK_NAME,
    ROOTS,
    LockedJar,
    read_lock,
    resolve_coordinates,
    write_lock,
)

Progress = Callable[[int, int, str], None]
"""Called with jars done, jars in all, and the name of the jar just done."""

_PARALLEL_DOWNLOADS: Final = 4
_ATTEMPTS: Final = 3
_PAUSE_S: Final = 1.0
"""Before the second attempt; the third waits twice as long."""
_HTTP_TIMEOUT_S: Final = 30
_STAMPS_NAME: Final = "verified.json"


class JarStore:
    """A folder of jars, laid out like a Maven repository.

    A jar that is already there is hashed once; after that its size and time of change
    vouch for it, so a warm start costs a few `stat` calls.
    """

    def __init__(self, folder: Path, *, repository: str | None = None) -> None:
        """Keep jars in `folder`; fetch from `repository` (base URL) or the public one."""
        self._folder = folder
        self._repositories = None if repository is None else {"repository": repository}

    def fetch(self, jars: Sequence[LockedJar], progress: Progress | None = None) -> list[Path]:
        """Return the paths of `jars` in the same order, downloading what is missing or wrong.

        Raises:
            StackError: A jar cannot be had, or not with the locked checksum.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        report = progress or (lambda _done, _total, _what: None)
        stamps = self._read_stamps()
        missing = [jar for jar in jars if not self._is_intact(jar, stamps)]
        done = len(jars) - len(missing)
        report(done, len(jars), "")
        if missing:
            self._download_all(missing, lambda n, what: report(done + n, len(jars), what))
        self._write_stamps(jars)
        return [self._folder / jar.path for jar in jars]

    def _is_intact(self, jar: LockedJar, stamps: dict[str, list[Any]]) -> bool:
        path = self._folder / jar.path
        try:
            stat = path.stat()
        except FileNotFoundError:
            return False
        if stamps.get(str(jar.path)) == [stat.st_size, stat.st_mtime_ns, jar.sha256]:
            return True
        return stat.st_size == jar.size and sha256_of(path) == jar.sha256

    def _download_all(
        self, missing: Sequence[LockedJar], report: Callable[[int, str], None]
    ) -> None:
        # Its own folder, on the same file system: a jar appears in the store complete or not
        # at all, and two processes that fetch at once do not meet.
        staging = Path(tempfile.mkdtemp(prefix=".download-", dir=self._folder))
        pool = ThreadPoolExecutor(_PARALLEL_DOWNLOADS)
        try:
            futures = {pool.submit(self._download, jar, staging): jar for jar in missing}
            for count, future in enumerate(as_completed(futures), start=1):
                future.result()
                report(count, futures[future].path.name)
        finally:
            pool.shutdown(cancel_futures=True)
            shutil.rmtree(staging, ignore_errors=True)

    def _download(self, jar: LockedJar, staging: Path) -> None:
        got = ""
        for _ in range(2):
            fetched = _fetch(_maven_context(staging, self._repositories), jar.coordinate)
            got = sha256_of(fetched)
            if got == jar.sha256:
                target = self._folder / jar.path
                target.parent.mkdir(parents=True, exist_ok=True)
                fetched.replace(target)
                return
            fetched.unlink()
        raise StackError(
            f"{jar.path.name} was downloaded twice with a wrong checksum: "
            f"expected SHA-256 {jar.sha256}, got {got}. "
            "Something on the way (a proxy, a mirror) changes the file; try another network."
        )

    def _read_stamps(self) -> dict[str, list[Any]]:
        try:
            stamps = json.loads((self._folder / _STAMPS_NAME).read_text("utf-8"))
        except (OSError, ValueError):
            return {}  # a lost stamp only costs hashing again
        return stamps if isinstance(stamps, dict) else {}

    def _write_stamps(self, jars: Sequence[LockedJar]) -> None:
        before = self._read_stamps()
        stamps = dict(before)
        for jar in jars:
            stat = (self._folder / jar.path).stat()
            stamps[str(jar.path)] = [stat.st_size, stat.st_mtime_ns, jar.sha256]
        if stamps == before:
            return
        with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False) as file:
            json.dump(stamps, file)
        Path(file.name).replace(self._folder / _STAMPS_NAME)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file at `path`, lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _maven_context(cache: Path, repositories: dict[str, str] | None) -> Any:
    # Imported here: only a download needs jgo, and it takes a third of a second to import.
    from jgo.maven import MavenContext  # noqa: PLC0415

    return MavenContext(repo_cache=cache, remote_repos=repositories, timeout=_HTTP_TIMEOUT_S)


def _fetch(context: Any, coordinate: str) -> Path:
    """Download `coordinate` into the context's cache, trying again when the network fails."""
    artifact = context.create_dependency(coordinate).artifact
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return Path(artifact.resolve())
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors, jgo's Runtime
            with suppress(FileNotFoundError):  # jgo leaves the part it got
                Path(artifact.cached_path).unlink()
            if attempt == _ATTEMPTS:
                raise StackError(
                    f"cannot download {coordinate} after {_ATTEMPTS} attempts: {error}. "
                    "Check the network and run the same command again; "
                    "what was fetched so far is kept."
                ) from error
            time.sleep(attempt * _PAUSE_S)
    raise AssertionError("unreachable: the last attempt returns or raises")


def lock_jars() -> list[LockedJar]:
    """Resolve `ROOTS`, download every jar and return what the lock file must say."""
    jars = []
    with tempfile.TemporaryDirectory(prefix="cardwatch-lock-") as folder:
        context = _maven_context(Path(folder), None)
        for server, roots in ROOTS.items():
            for coordinate in resolve_coordinates(context, roots):
                path = _fetch(context, coordinate)
                jars.append(
                    LockedJar(
                        server=server,
                        coordinate=coordinate,
                        size=path.stat().st_size,
                        sha256=sha256_of(path),
                    )
                )
    return jars


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite the lock file, or list what it holds."""
    parser = argparse.ArgumentParser(prog="python -m cardwatch_local.jars", description=__doc__)
    parser.add_argument("--lock", action="store_true", help="resolve again, rewrite the lock file")
    if parser.parse_args(arguments).lock:
        write_lock(Path(__file__).with_name(LOCK_NAME), lock_jars())
    for jar in read_lock(tuple(ROOTS)):
        sys.stdout.write(f"{jar.server}  {jar.coordinate}  {jar.sha256}\n")


if __name__ == "__main__":
    main()
