"""Rows of features through the job's scorer."""

from array import array

import numpy as np
from numpy.typing import NDArray

from cardwatch_job.model.artefact import Artefact
from cardwatch_job.model.scorer import Scorer


def vectors(features: NDArray[np.float32]) -> "array[float]":
    """Return rows as the scorer takes them, behind one another."""
    numbers = array("f")
    numbers.frombytes(np.ascontiguousarray(features, np.float32).tobytes())
    return numbers


def risks_of(artefact: Artefact, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the risk of each row of all features."""
    return np.array(Scorer(artefact).risks(vectors(features)), np.float64)
