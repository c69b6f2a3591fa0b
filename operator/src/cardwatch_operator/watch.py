"""Whether the watch on DetectorConfigs still tells what changes."""

import time
from collections.abc import Iterable
from typing import Final

from cardwatch_operator.resources import Resource

_PATIENCE_S: Final = 30.0


class Watch:
    """Compares what the watch has told with what listing shows."""

    def __init__(self) -> None:
        self._heard: dict[str, int] = {}
        self._unheard_since_s: dict[tuple[str, int], float] = {}

    def heard(self, uid: str, revision: int) -> bool:
        """Take what the watch told of a resource; revision 0: it is gone.

        Return whether that was news: a status that was written is told too, and is none.
        """
        if revision == 0:
            return self._heard.pop(uid, None) is not None
        before = self._heard.get(uid, 0)
        self._heard[uid] = max(revision, before)
        return revision > before

    def missed(self, listed: Iterable[Resource]) -> list[str]:
        """Return the names of resources whose newest revision was listed but long not heard of."""
        now_s = time.monotonic()
        self._unheard_since_s = {
            key: self._unheard_since_s.get(key, now_s)
            for each in listed
            if self._heard.get(each.uid, 0) < each.revision
            for key in ((each.uid, each.revision),)
        }
        late = {
            uid
            for (uid, _), since_s in self._unheard_since_s.items()
            if now_s - since_s > _PATIENCE_S
        }
        return [each.name for each in listed if each.uid in late]
