"""One export: from the archive into a file, in bounded memory."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg import IsolationLevel

from cardwatch_local.errors import StackError
from cardwatch_local.exporting.datasets import Dataset, Span
from cardwatch_local.exporting.writers import WRITERS, Format
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.database import open_archive

BATCH_ROWS: Final = 20_000
"""How many rows are in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be exported, and where to."""

    dataset: Dataset
    file: Path
    format: Format
    span: Span
    force: bool = False
    """Whether a file that is there is replaced."""


def export(url: str, wanted: Wanted, steps: StepListener) -> int:
    """Write the rows of one moment; return how many. The file appears when it is whole.

    Raises:
        StackError: The file is there already, or the database does not answer.
        OSError: The file cannot be written.
    """
    if wanted.file.exists() and not wanted.force:
        raise StackError(f"{wanted.file} is there already: --force replaces it")
    with open_archive(url) as connection, fresh_file(wanted.file) as fresh:
        # Of one moment, so that what is counted is what is written.
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with connection.transaction():
            row = connection.execute(wanted.dataset.count_query(wanted.span)).fetchone()
            assert row is not None, "a count has one row"
            step = f"export {wanted.dataset.view}"
            steps.started(step, row[0])
            written = 0
            with (
                connection.cursor("cardwatch_export") as cursor,
                closing(WRITERS[wanted.format](fresh, wanted.dataset.columns)) as writer,
            ):
                cursor.execute(wanted.dataset.query(wanted.span))
                while rows := cursor.fetchmany(BATCH_ROWS):
                    writer.write(rows)
                    written += len(rows)
                    steps.advanced(step, written)
            steps.finished(step)
    return written


@contextmanager
def fresh_file(target: Path) -> Iterator[Path]:
    """Give a new file beside `target` that becomes it in the end, or is removed.

    Only its owner may read it: it tells what people paid for.
    """
    fd, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    os.close(fd)
    fresh = Path(name)
    try:
        yield fresh
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
