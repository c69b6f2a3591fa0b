"""The fixtures of the integration tests serve here too."""

from tests.integration.conftest import fetched_jars

__all__ = ["fetched_jars"]
