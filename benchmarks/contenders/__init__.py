"""Who is compared."""

from typing import Final

from benchmarks.contenders._base import Contender
from benchmarks.contenders.bytewax import BYTEWAX
from benchmarks.contenders.cardwatch import CARDWATCH, CARDWATCH_AT_LEAST_ONCE
from benchmarks.contenders.naive_pyflink import NAIVE_PROCESS, NAIVE_SHARED, NAIVE_THREAD
from benchmarks.contenders.pass_through import JVM_PASS_THROUGH
from benchmarks.contenders.plain_loop import PLAIN_LOOP
from benchmarks.contenders.quix import QUIX_AT_LEAST_ONCE, QUIX_EXACTLY_ONCE

__all__ = ["CARDWATCH", "CONTENDERS", "NAIVE_MODES", "Contender"]

CONTENDERS: Final = {
    contender.name: contender
    for contender in (
        CARDWATCH,
        CARDWATCH_AT_LEAST_ONCE,
        NAIVE_PROCESS,
        NAIVE_THREAD,
        NAIVE_SHARED,
        QUIX_EXACTLY_ONCE,
        QUIX_AT_LEAST_ONCE,
        BYTEWAX,
        PLAIN_LOOP,
        JVM_PASS_THROUGH,
    )
}
"""Every contender by name, in the order in which they run and are shown."""

NAIVE_MODES: Final = (NAIVE_PROCESS.name, NAIVE_THREAD.name, NAIVE_SHARED.name)
"""The naive job in both of PyFlink's modes, and with one TaskManager for all; the fastest one is
held against Cardwatch."""
