"""Compiles what every transaction runs through to machine code, with Cython.

    python -m cardwatch_job.compile [--into FOLDER] [--if-possible]

The screen, which is there in machine code only, and the memories it works on: plain Python, to
which the `.pxd` file beside it adds the types.
"""

import argparse
import compileall
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cardwatch_job.compiled import (
    PACKAGES,
    STAMP,
    default_folder,
    find_compiled,
    fingerprint,
    source_of,
)

_MODULES: Final = (
    "cardwatch_job/detectors/history.py",
    "cardwatch_job/flat_profiles.pyx",
    "cardwatch_job/flat_spans.pyx",
    "cardwatch_job/flat_sums.pyx",
    "cardwatch_job/flat_users.pyx",
    "cardwatch_job/model/flat_habits.pyx",
    "cardwatch_job/model/flat_merchants.pyx",
    "cardwatch_job/model/flat_trees.pyx",
    "cardwatch_job/progress.py",
    "cardwatch_job/screen.pyx",
)


class CompileError(RuntimeError):
    """The job could not be compiled; the message says why and what to do."""


def compile_job(folder: Path) -> None:
    """Compile the installed sources into `folder`, in place of what was there.

    Raises:
        CompileError: Cython or a C compiler is missing, or the compiler refused.
    """
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        raise CompileError("there is no C compiler: apt-get install gcc libc6-dev")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".compile-") as name:
        work = Path(name) / "compiled"
        for package in PACKAGES:
            shutil.copytree(
                source_of(package), work / package, ignore=shutil.ignore_patterns("__pycache__")
            )
        _run_cython(work)
        shutil.rmtree(work / "build", ignore_errors=True)
        # Else every TaskManager does it when it starts, where it may not write into the folder.
        compileall.compile_dir(work, quiet=2)
        (work / STAMP).write_text(fingerprint())
        if folder.exists():
            folder.rename(Path(name) / "old")
        work.rename(folder)


def _run_cython(work: Path) -> None:
    program = [sys.executable, "-m", "Cython.Build.Cythonize", "--inplace", "--parallel", "2", "-3"]
    run = subprocess.run(
        # Types come from the .pxd files alone: an annotation `int` means Python's.
        [*program, "-X", "annotation_typing=False", *_MODULES],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise CompileError(f"Cython failed:\n{(run.stdout + run.stderr)[-4000:]}")
    for path in work.rglob("*.c"):
        path.unlink()


def main(args: Sequence[str]) -> None:
    """Compile, unless it has been done from these sources."""
    parser = argparse.ArgumentParser(prog="python -m cardwatch_job.compile", allow_abbrev=False)
    parser.add_argument("--into", type=Path, default=default_folder())
    parser.add_argument(
        "--if-possible", action="store_true", help="where it cannot be done, say so and go on"
    )
    options = parser.parse_args(args)
    if find_compiled(options.into):
        return
    try:
        compile_job(options.into.absolute())
    except CompileError as error:
        sys.stderr.write(
            f"cardwatch: the job stays interpreted, judging takes four times as long: {error}\n"
        )
        sys.exit(0 if options.if_possible else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
