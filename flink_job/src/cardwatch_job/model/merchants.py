"""The merchants of whom feedback was heard, as every subtask remembers them all."""

from collections.abc import Mapping
from typing import Final

from cardwatch_job.model.lessons import Heard, Lesson
from cardwatch_job.model.merchant import MerchantMemory
from cardwatch_job.model.names import hash_of
from cardwatch_job.model.packed_merchant import pack_merchant, unpack_merchant

MAX_MERCHANTS: Final = 100_000
"""Merchants that are remembered; the one unheard of longest goes first."""


class Merchants:
    """What is remembered of merchants, by the hashes of their names."""

    def __init__(
        self, packed: Mapping[str, bytes] | None = None, *, most: int = MAX_MERCHANTS
    ) -> None:
        """Begin with packed memories, as `take_changed` gave them; `most` are remembered.

        Raises:
            BrokenMemoryError: one is none of this version.
        """
        unpacked = {int(key, 16): unpack_merchant(each) for key, each in (packed or {}).items()}
        self._merchants = dict(sorted(unpacked.items(), key=lambda known: known[1].heard_ms))
        self._most = most
        self._changed: set[int] = set()

    def __len__(self) -> int:
        return len(self._merchants)

    def find(self, merchant_id: str) -> MerchantMemory | None:
        """Return what is remembered of a merchant; None where there is nothing."""
        return self._merchants.get(hash_of(merchant_id))

    def hear(self, lesson: Lesson) -> Heard:
        """Take in what an analyst says of a payment at a merchant; the latest given counts."""
        name = hash_of(lesson.merchant_id)
        merchant = self._merchants.pop(name, None) or MerchantMemory()
        self._merchants[name] = merchant
        self._changed.add(name)
        if len(self._merchants) > self._most:
            oldest = next(iter(self._merchants))
            del self._merchants[oldest]
            self._changed.add(oldest)
        return merchant.hear(lesson)

    @property
    def changed(self) -> int:
        """How many memories changed since `take_changed`; those forgotten are among them."""
        return len(self._changed)

    def take_changed(self) -> dict[str, bytes | None]:
        """Pack the memories that changed since the last call; None for what is forgotten."""
        known = {name: self._merchants.get(name) for name in self._changed}
        self._changed.clear()
        return {
            f"{name:016x}": None if merchant is None else pack_merchant(merchant)
            for name, merchant in known.items()
        }
