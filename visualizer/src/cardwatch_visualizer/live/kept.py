"""What the collector keeps in Valkey beside ticks: configs' last generations, and models."""

from typing import Any, Final, TypeVar

import msgspec
from valkey import Valkey
from valkey.exceptions import ValkeyError

from cardwatch_visualizer.live.generations import Generations, KeptConfigs
from cardwatch_visualizer.live.model_shapes import KeptModels
from cardwatch_visualizer.live.store import StoreAwayError

_CONFIGS: Final = "visualizer:configs"
_MODELS: Final = "visualizer:models"
_KEEP_S: Final = 3_600
_KEEP_MODELS_S: Final = 60
"""How long models are told of after the last collector has ended: how they are now. Seconds."""
_AGAIN_MS: Final = 10_000
"""So often it is written though nothing has changed: Valkey may have been emptied."""

_Kept = TypeVar("_Kept", KeptConfigs, KeptModels)


class KeptWriter:
    """Writes what is kept, where it has changed.

    Args:
        client: of Valkey.
    """

    def __init__(self, client: Valkey) -> None:
        self._client = client
        self._written_ms = 0

    def write(self, generations: Generations, now_ms: int) -> None:
        """Write them, if it is time to.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        if not generations.changed and now_ms - self._written_ms < _AGAIN_MS:
            return
        kept = msgspec.json.encode(generations.kept())
        try:
            self._client.set(_CONFIGS, kept, ex=_KEEP_S)
        except (ValkeyError, OSError) as error:
            generations.changed = True
            raise StoreAwayError(type(error).__name__) from None
        self._written_ms = now_ms

    def write_models(self, models: KeptModels) -> None:
        """Write what is known of models.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        try:
            self._client.set(_MODELS, msgspec.json.encode(models), ex=_KEEP_MODELS_S)
        except (ValkeyError, OSError) as error:
            raise StoreAwayError(type(error).__name__) from None


class KeptReader:
    """Reads what a collector keeps.

    Args:
        client: of Valkey.
    """

    def __init__(self, client: Valkey) -> None:
        self._client = client

    def configs(self) -> KeptConfigs:
        """Return the configs; none where no collector has written lately.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        return self._read(_CONFIGS, KeptConfigs)

    def models(self) -> KeptModels:
        """Return what is known of models; nothing where no collector has written lately.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        return self._read(_MODELS, KeptModels)

    def _read(self, name: str, kind: type[_Kept]) -> _Kept:
        try:
            value: Any = self._client.get(name)
        except (ValkeyError, OSError) as error:
            raise StoreAwayError(type(error).__name__) from None
        try:
            return kind() if value is None else msgspec.json.decode(value, type=kind)
        except msgspec.MsgspecError:
            return kind()  # of another version: its collector is about to be replaced
