"""One independent random generator for each purpose, all from one seed."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What random numbers are drawn for; a new purpose does not change what others draw."""

    POPULATION = 0
    HISTORY = 1
    GENUINE = 2
    SCENARIOS = 3


def generator_for(seed: int, purpose: Purpose, start_ms: int = 0) -> np.random.Generator:
    """Return a generator whose numbers depend on all three arguments alone."""
    sequence = np.random.SeedSequence(entropy=(seed, start_ms), spawn_key=(int(purpose),))
    return np.random.Generator(np.random.PCG64(sequence))
