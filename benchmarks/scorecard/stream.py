"""The handbook's stream, as this scorecard takes it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.scorecard.records import CATEGORY
from cardwatch_local.training.files import read_parquet
from cardwatch_local.training.payments import Payments
from cardwatch_local.training.scorecard import LABEL_DELAY_MS

FILE: Final = Path("../shared/data/handbook_transactions.parquet")
FIRST_MS: Final = int(datetime(2018, 4, 1, tzinfo=UTC).timestamp() * 1000)


def read_stream(path: Path, *, begins_ms: int = FIRST_MS) -> Payments:
    """Read the payments from `begins_ms` on, each label known after the protocol's delay.

    Raises:
        StackError: it is another file.
        OSError: the file cannot be read.
    """
    payments = read_parquet(path, label_delay_ms=LABEL_DELAY_MS)
    payments = payments.where(payments.event_time >= begins_ms)
    return replace(payments, merchant_category=np.full(len(payments), CATEGORY, object))
